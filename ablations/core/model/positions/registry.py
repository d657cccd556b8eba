"""Where ways to give positions are found; their names are listed without importing any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.runtime.registry import Registry

if TYPE_CHECKING:
    from ablations.core.model.positions.base import Positions

POSITIONS: Registry[Positions] = Registry(
    "ablations.core.model.positions", "Positions", "loam.positions", "way to give positions"
)
