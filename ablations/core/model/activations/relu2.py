"""The square of ReLU. Source: So et al. 2021, https://arxiv.org/abs/2109.08668."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablations.core.model.activations.base import Activation

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Relu2(Activation):
    """The square of what is above zero."""

    kind: ClassVar[str] = "relu2"

    def inner(self, up_BTX: Tensor) -> Tensor:
        import torch.nn.functional as F

        return F.relu(up_BTX).square()
