"""A gated activation. Source: Shazeer 2020, https://arxiv.org/abs/2002.05202."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablations.core.model.activations.base import Activation

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Swiglu(Activation):
    """One matrix's values times the SiLU of another's."""

    kind: ClassVar[str] = "swiglu"
    branches: ClassVar[int] = 2

    def inner(self, up_BTX: Tensor) -> Tensor:
        import torch.nn.functional as F

        gate, value = up_BTX.chunk(2, dim=-1)
        return F.silu(gate) * value
