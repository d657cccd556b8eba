"""Where nuisances are found; their names are listed without importing any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.runtime.registry import Registry

if TYPE_CHECKING:
    from ablations.settings.nuisances.base import Nuisance

NUISANCES: Registry[Nuisance] = Registry("ablations.settings.nuisances", "Nuisance", "loam.nuisances", "nuisance")
