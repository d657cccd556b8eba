"""Where selections of demonstrations are found; their names are listed without importing any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.runtime.registry import Registry

if TYPE_CHECKING:
    from ablations.prompts.selections.base import Selection

SELECTIONS: Registry[Selection] = Registry(
    "ablations.prompts.selections", "Selection", "loam.selections", "demo selection"
)
