"""Where optimizers are found; their names are listed without importing any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.runtime.registry import Registry

if TYPE_CHECKING:
    from ablations.core.training.optimizers.base import Optimizer

OPTIMIZERS: Registry[Optimizer] = Registry(
    "ablations.core.training.optimizers", "Optimizer", "loam.optimizers", "optimizer"
)
