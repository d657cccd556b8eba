"""The part of a block that works on each position alone."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ablations.core.spec.model_spec import ModelSpec


class Mlp(nn.Module):
    """Two matrices around ReLU². Source: So et al. 2021, https://arxiv.org/abs/2109.08668."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        hidden = round(spec.width * spec.mlp_ratio)
        self.up = nn.Linear(spec.width, hidden, bias=False)
        self.out = nn.Linear(hidden, spec.width, bias=False)

    def forward(self, x_BTW: Tensor) -> Tensor:
        return self.out(F.relu(self.up(x_BTW)).square())  # type: ignore[no-any-return]
