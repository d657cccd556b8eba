"""Spikes of the training loss: a step whose loss is far above those before it, or no number.

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
    """The last losses, on the device of the training, so that counting waits for nothing.

    Attributes:
        in_row: how many losses up to the last one were no numbers.
    """

    def __init__(self, spec: SpikeSpec, device: torch.device) -> None:
        self.spec = spec
        self.losses = torch.zeros(spec.window, device=device)
        self.seen = 0
        self.spikes = torch.zeros((), dtype=torch.int64, device=device)
        self.in_row = torch.zeros((), dtype=torch.int64, device=device)
        self.rewinds = 0

    def told(self, loss: Tensor) -> Tensor:
        """Note the loss of a step; whether it is a spike, as a tensor."""
        limit = self.losses.mean() + self.spec.deviations * self.losses.std()
        is_number = torch.isfinite(loss)
        spike = ~is_number  # compared with any limit, such a loss would not be above it
        if self.seen >= self.spec.window:
            spike = spike | (loss > limit)
        before = self.losses[(self.seen - 1) % self.spec.window]
        self.losses[self.seen % self.spec.window] = torch.where(
            is_number, loss, before
        )  # else no limit were a number again
        self.seen += 1
        self.in_row = torch.where(is_number, 0, self.in_row + 1)
        most = self.spec.most + 1 if self.spec.action == "skip" else 1  # with the next one the run is lost
        self.spikes += spike & (self.in_row <= most)
        return spike

    def state(self) -> dict[str, Any]:
        return {
            "losses": self.losses.clone(),
            "seen": self.seen,
            "spikes": self.spikes.clone(),
            "in_row": self.in_row.clone(),
            "rewinds": self.rewinds,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.losses.copy_(state["losses"])
        self.spikes.copy_(state["spikes"])
        self.in_row.copy_(state["in_row"])
        self.seen, self.rewinds = state["seen"], state["rewinds"]
