"""Normalisation by the root mean square. Source: Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablations.core.model.norms.base import Norm

if TYPE_CHECKING:
    from torch import Tensor

EPS = 1e-6


@dataclass(frozen=True, kw_only=True)
class Rms(Norm):
    """By the root mean square."""

    kind: ClassVar[str] = "rms"

    def normalised(self, x: Tensor) -> Tensor:
        return rms_norm(x)


def rms_norm(x: Tensor) -> Tensor:
    """To a root mean square of 1."""
    import torch.nn.functional as F

    return F.rms_norm(x, (x.shape[-1],), eps=EPS)
