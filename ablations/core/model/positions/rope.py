"""Rotary positions. Source: Su et al. 2021, https://arxiv.org/abs/2104.09864."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablations.core.model.positions.base import Positions
from ablations.core.model.sharpest import sharpest_rotary
from ablations.core.spec.model_spec import head_width
from ablations.core.spec.strict import Problem, not_positive

if TYPE_CHECKING:
    from torch import Tensor

    from ablations.core.spec.model_spec import ModelShape


@dataclass(frozen=True, kw_only=True)
class Rope(Positions):
    """Queries and keys are turned by the position of their token, each pair of dimensions at a speed of its own.

    `base`: from one pair to the next the speed falls by a root of it, from 1 down to nearly 1 / base radians a token.
    """

    kind: ClassVar[str] = "rope"
    base: float = 10000.0

    def tables(self, shape: ModelShape) -> Mapping[str, Tensor]:
        """Cosines and sines of position times speed, each of shape (context, D / 2)."""
        import torch

        # in float32, as transformers does it: an exported model then has the same angles
        width = head_width(shape)
        speeds = 1.0 / self.base ** (torch.arange(0, width, 2).float() / width)
        angles = torch.outer(torch.arange(shape.context).float(), speeds)
        return {"cos_TD": angles.cos(), "sin_TD": angles.sin()}

    def at(self, places: Tensor, own: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        cos, sin = own["cos_TD"][places], own["sin_TD"][places]
        return (cos, sin) if places.ndim == 1 else (cos[:, None], sin[:, None])

    def turned(self, q_BHTD: Tensor, k_BHTD: Tensor, at: tuple[Tensor, ...], scale: float) -> tuple[Tensor, Tensor]:
        cos, sin = at
        return _rotated(q_BHTD, cos, sin), _rotated(k_BHTD, cos, sin)

    def previous_token(self, shape: ModelShape) -> float:
        if not shape.qk_norm:
            return 1.0  # queries and keys may grow without bound
        width = head_width(shape)
        speeds = tuple(self.base ** (-pair / width) for pair in range(0, width, 2))
        return sharpest_rotary(speeds, shape.context, shape.sharpness).attention

    def problems(self) -> list[Problem]:
        return not_positive(self, "base")


def _rotated(x_BHTD: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    import torch

    a, b = x_BHTD.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)
