"""Where schedules are found; their names are listed without importing any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.runtime.registry import Registry

if TYPE_CHECKING:
    from ablations.core.training.schedules.base import Schedule

SCHEDULES: Registry[Schedule] = Registry("ablations.core.training.schedules", "Schedule", "loam.schedules", "schedule")
