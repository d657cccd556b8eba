"""Attention with linear biases. Source: Press et al. 2021, https://arxiv.org/abs/2108.12409."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING, ClassVar

from ablations.core.model.positions.base import Positions

if TYPE_CHECKING:
    from torch import Tensor

    from ablations.core.spec.model_spec import ModelShape

DIGIT = 64  # places are written with two digits to this base, so that they are exact in bfloat16 too
MORE = 8  # further dimensions of queries and keys, two of which are used: widths that kernels like


@dataclass(frozen=True, kw_only=True)
class Alibi(Positions):
    """A logit falls in proportion to the distance, in each head with a slope of its own: 2^(-8 / heads), its square, and so on.

    Of slope x (place of key - place of query) the second part is the same for all keys and changes no attention. So the bias is a
    number of the key, which two further dimensions hold.
    """

    kind: ClassVar[str] = "alibi"

    def tables(self, shape: ModelShape) -> Mapping[str, Tensor]:
        import torch

        return {"slopes_H": torch.tensor(slopes(shape.heads))}

    def at(self, places: Tensor, own: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return (places if places.ndim == 1 else places[:, None]), own["slopes_H"]

    def turned(self, q_BHTD: Tensor, k_BHTD: Tensor, at: tuple[Tensor, ...], scale: float) -> tuple[Tensor, Tensor]:
        import torch
        import torch.nn.functional as F

        places, slopes_H = at
        digits = torch.stack((places // DIGIT, places % DIGIT), -1).to(k_BHTD.dtype).expand(*k_BHTD.shape[:3], 2)
        worth = torch.stack((DIGIT * slopes_H, slopes_H), -1)[None, :, None] / scale
        weights = worth.to(q_BHTD.dtype).expand(*q_BHTD.shape[:3], 2)
        return tuple(F.pad(torch.cat(pair, -1), (0, MORE - 2)) for pair in ((q_BHTD, weights), (k_BHTD, digits)))  # type: ignore[return-value]

    def previous_token(self, shape: ModelShape) -> float:
        """Below a quarter: the present token is always nearer."""
        return max(exp(-m) / sum(exp(-m * distance) for distance in range(shape.context)) for m in slopes(shape.heads))


def slopes(heads: int) -> list[float]:
    """Of each head. Where heads are no power of two, every second slope of the next power fills up, as in the paper's own code."""
    power = 1 << (heads.bit_length() - 1)
    own = [2 ** (-8 * (head + 1) / power) for head in range(power)]
    further = [2 ** (-8 * (head + 1) / (2 * power)) for head in range(0, 2 * power, 2)]
    return own + further[: heads - power]
