"""Muon: momentum whose matrices are orthogonalised. Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablations.core.spec.strict import Problem, not_positive
from ablations.core.training.optimizers.adamw import AdamSettings, shares
from ablations.core.training.optimizers.base import Optimizer, hidden_and_others

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class MuonSettings(AdamSettings):
    """`learning_rate` and `momentum` are of the matrices between activations; AdamW steps the tables of vectors."""

    learning_rate: float = 0.01
    momentum: float = 0.95

    def problems(self) -> list[Problem]:
        return [*shares(self, "momentum"), *super().problems(), *not_positive(self, "learning_rate")]


@dataclass(frozen=True, kw_only=True)
class Muon(MuonSettings, Optimizer):
    """torch.optim.Muon for the hidden matrices, AdamW for embedding and output."""

    kind: ClassVar[str] = "muon"

    def steppers(self, model: nn.Module) -> Sequence[torch.optim.Optimizer]:
        import torch

        hidden, others = hidden_and_others(model)
        muon = torch.optim.Muon(hidden, self.learning_rate, self.weight_decay, self.momentum)
        return [muon, self.adamw(others)]
