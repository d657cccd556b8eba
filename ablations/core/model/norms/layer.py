"""Layer normalisation. Source: Ba et al. 2016, https://arxiv.org/abs/1607.06450."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablations.core.model.norms.base import Norm
from ablations.core.model.norms.rms import EPS

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Layer(Norm):
    """To a mean of 0 and a variance of 1."""

    kind: ClassVar[str] = "layer"

    def normalised(self, x: Tensor) -> Tensor:
        import torch.nn.functional as F

        return F.layer_norm(x, (x.shape[-1],), eps=EPS)
