"""Muon without the rounding to bfloat16 of torch's, and faster on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablations.core.training.optimizers.base import Optimizer, hidden_and_others
from ablations.core.training.optimizers.muon import MuonSettings

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class MuonFloat32(MuonSettings, Optimizer):
    """Muon in float32 for the hidden matrices, all of a shape at once; AdamW for embedding and output."""

    kind: ClassVar[str] = "muon_float32"

    def steppers(self, model: nn.Module) -> Sequence[torch.optim.Optimizer]:
        from ablations.core.training.torch_optimizers.batched_muon import BatchedMuon

        hidden, others = hidden_and_others(model)
        muon = BatchedMuon(hidden, self.learning_rate, self.weight_decay, self.momentum)
        return [muon, self.adamw(others)]
