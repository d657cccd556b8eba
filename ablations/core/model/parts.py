"""From the plain values of a model's spec to the parts that they mean."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ablations.core.model.activations.base import Activation
from ablations.core.model.activations.registry import ACTIVATIONS
from ablations.core.model.masks.base import Mask
from ablations.core.model.masks.registry import MASKS
from ablations.core.model.norms.base import Norm
from ablations.core.model.norms.registry import NORMS
from ablations.core.model.positions.base import Positions
from ablations.core.model.positions.registry import POSITIONS
from ablations.core.spec.member_spec import MemberSpec, member, whole
from ablations.core.spec.model_spec import ModelShape
from curation.runtime.registry import Plugin, Registry

Shape = TypeVar("Shape", bound=ModelShape)
PARTS: Mapping[str, Registry[Any]] = {
    "positions": POSITIONS, "norm": NORMS, "activation": ACTIVATIONS, "mask": MASKS,
}  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """What a model is made of besides its sizes."""

    positions: Positions
    norm: Norm
    activation: Activation
    mask: Mask


def parts_of(shape: ModelShape, plugins: Sequence[Plugin] = (), where: str = "model") -> Parts:
    """What a shape names.

    Raises:
        ConfigError: a kind is unknown, or a setting cannot be used.
    """
    return Parts(**{name: member(PARTS[name], spec, plugins, f"{where}.{name}") for name, spec in named(shape).items()})


def whole_shape(shape: Shape, plugins: Sequence[Plugin], where: str) -> Shape:
    """The shape with every setting of its parts that was left to its default.

    Raises:
        ConfigError: see `parts_of`.
    """
    parts: dict[str, Any] = {
        name: whole(PARTS[name], spec, plugins, f"{where}.{name}") for name, spec in named(shape).items()
    }
    return dataclasses.replace(shape, **parts)


def named(shape: ModelShape) -> dict[str, MemberSpec]:
    """Part -> the member that the shape names."""
    return {name: getattr(shape, name) for name in PARTS}


def previous_token(shape: ModelShape, plugins: Sequence[Plugin] = ()) -> float | None:
    """The largest attention that position alone can give to the token before: 0 to 1. None of a shape without attention."""
    return parts_of(shape, plugins).positions.previous_token(shape) if shape.attention else None
