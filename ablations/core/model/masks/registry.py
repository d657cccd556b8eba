"""Where attention masks are found; their names are listed without importing any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.runtime.registry import Registry

if TYPE_CHECKING:
    from ablations.core.model.masks.base import Mask

MASKS: Registry[Mask] = Registry("ablations.core.model.masks", "Mask", "loam.masks", "attention mask")
