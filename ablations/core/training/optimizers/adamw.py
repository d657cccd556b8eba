"""AdamW, which steps everything, or what others leave to it. Source: Loshchilov and Hutter 2017, https://arxiv.org/abs/1711.05101."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablations.core.spec.strict import Problem, not_positive
from ablations.core.training.optimizers.base import Optimizer, hidden_and_others

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class AdamSettings:
    """Settings of AdamW, for whatever it steps."""

    adam_learning_rate: float = 0.01
    weight_decay: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.95

    def adamw(self, weights: list[Tensor]) -> torch.optim.Optimizer:
        import torch

        betas = self.beta1, self.beta2
        return torch.optim.AdamW(weights, self.adam_learning_rate, betas, weight_decay=self.weight_decay, fused=True)

    def problems(self) -> list[Problem]:
        bad = shares(self, "beta1", "beta2")
        if self.weight_decay < 0:
            bad.append(("weight_decay", f"{self.weight_decay} is negative", "Give 0 or more"))
        return bad + not_positive(self, "adam_learning_rate")


def shares(settings: object, *names: str) -> list[Problem]:
    """A problem for each decay rate of an average that is no share."""
    return [(k, f"{getattr(settings, k)}", "Give 0 to below 1") for k in names if not 0 <= getattr(settings, k) < 1]


@dataclass(frozen=True, kw_only=True)
class Adamw(AdamSettings, Optimizer):
    """torch.optim.AdamW for all weights."""

    kind: ClassVar[str] = "adamw"

    def steppers(self, model: nn.Module) -> Sequence[torch.optim.Optimizer]:
        hidden, others = hidden_and_others(model)
        return [self.adamw(others + hidden)]
