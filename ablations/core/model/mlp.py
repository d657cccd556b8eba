"""The part of a block that works on each position alone."""

from __future__ import annotations

from torch import Tensor, nn

from ablations.core.model.parts import Parts
from ablations.core.spec.model_spec import ModelSpec


class Mlp(nn.Module):
    """Matrices around an activation."""

    def __init__(self, spec: ModelSpec, parts: Parts) -> None:
        super().__init__()
        self.activation = parts.activation
        hidden = self.activation.hidden(spec.width, spec.mlp_ratio)
        self.up = nn.Linear(spec.width, self.activation.branches * hidden, bias=False)
        self.out = nn.Linear(hidden, spec.width, bias=False)

    def forward(self, x_BTW: Tensor) -> Tensor:
        return self.out(self.activation.inner(self.up(x_BTW)))  # type: ignore[no-any-return]
