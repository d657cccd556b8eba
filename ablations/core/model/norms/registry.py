"""Where normalisations are found; their names are listed without importing any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.runtime.registry import Registry

if TYPE_CHECKING:
    from ablations.core.model.norms.base import Norm

NORMS: Registry[Norm] = Registry("ablations.core.model.norms", "Norm", "loam.norms", "norm")
