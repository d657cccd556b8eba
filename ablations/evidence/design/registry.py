"""Where checks of a design are found; their names are listed without importing any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.runtime.registry import Registry

if TYPE_CHECKING:
    from ablations.evidence.design.base import DesignCheck

DESIGN_CHECKS: Registry[DesignCheck] = Registry(
    "ablations.evidence.design", "DesignCheck", "loam.design_checks", "check of a design"
)
