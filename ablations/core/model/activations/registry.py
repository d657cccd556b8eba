"""Where activations are found; their names are listed without importing any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.runtime.registry import Registry

if TYPE_CHECKING:
    from ablations.core.model.activations.base import Activation

ACTIVATIONS: Registry[Activation] = Registry(
    "ablations.core.model.activations", "Activation", "loam.activations", "activation"
)
