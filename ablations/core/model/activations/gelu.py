"""Gaussian error linear unit. Source: Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablations.core.model.activations.base import Activation

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Gelu(Activation):
    """A value times the chance that a normal variable is below it."""

    kind: ClassVar[str] = "gelu"

    def inner(self, up_BTX: Tensor) -> Tensor:
        import torch.nn.functional as F

        return F.gelu(up_BTX)
