"""Spikes of the training loss: a step whose loss is far above those before it.

The rule is that of OLMo-core's optimizers that skip steps, https://github.com/allenai/OLMo-core: a loss of more than six standard
deviations above the mean of the last 128. Going back and passing over the batch is what PaLM's authors did, Chowdhery et al. 2022,
https://arxiv.org/abs/2204.02311, section 5.1.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ablations.core.spec.training_spec import SpikeSpec


class SpikeWatch:
    """The last losses, on the device of the training, so that counting waits for nothing."""

    def __init__(self, spec: SpikeSpec, device: torch.device) -> None:
        self.spec = spec
        self.losses = torch.zeros(spec.window, device=device)
        self.seen = 0
        self.spikes = torch.zeros((), dtype=torch.int64, device=device)
        self.rewinds = 0

    def told(self, loss: Tensor) -> Tensor:
        """Note the loss of a step; whether it is a spike, as a tensor."""
        limit = self.losses.mean() + self.spec.deviations * self.losses.std()
        spike = (loss > limit) if self.seen >= self.spec.window else torch.zeros_like(loss, dtype=torch.bool)
        self.losses[self.seen % self.spec.window] = loss
        self.seen += 1
        self.spikes += spike
        return spike

    def state(self) -> dict[str, Any]:
        return {
            "losses": self.losses.clone(),
            "seen": self.seen,
            "spikes": self.spikes.clone(),
            "rewinds": self.rewinds,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.losses.copy_(state["losses"])
        self.spikes.copy_(state["spikes"])
        self.seen, self.rewinds = state["seen"], state["rewinds"]
