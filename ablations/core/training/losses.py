"""What a training remembers of its losses. It lies on the device of the training, so that remembering waits for nothing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

TENTHS = 10


class Losses:
    """Sums and counts of losses in nats; one that is not a number enters none of them.

    Args:
        steps: of the whole training.

    Attributes:
        recent: sum and count since the last `restart`.
        tenths: shape (2, TENTHS): sums and counts of each tenth of the steps, wherever the weights are kept and measured.
        lost: the first step, counted from 0, that was learned from though its loss was not a number; -1 where there was none.
    """

    def __init__(self, steps: int, device: torch.device) -> None:
        self.steps = steps
        self.recent = torch.zeros(2, dtype=torch.float64, device=device)
        self.tenths = torch.zeros(2, TENTHS, dtype=torch.float64, device=device)
        self.lost = torch.full((), -1, dtype=torch.int64, device=device)

    def add(self, step: int, loss: Tensor, learned: bool) -> None:
        """Note the loss of a step, counted from 0, and whether the weights changed by it."""
        is_number = torch.isfinite(loss)
        pair = torch.stack((torch.where(is_number, loss, 0.0), is_number.to(loss.dtype)))
        self.recent += pair
        self.tenths[:, min(step * TENTHS // self.steps, TENTHS - 1)] += pair
        if learned:
            self.lost = torch.where((self.lost < 0) & ~is_number, step, self.lost)

    def mean(self) -> float | None:
        """Since the last `restart`; None where there was no step."""
        return _mean(*self.recent.tolist())

    def restart(self) -> None:
        self.recent.zero_()

    def of_tenths(self) -> list[float | None]:
        """Mean of each tenth of the steps; None where none of its steps was taken: a short run has fewer than ten."""
        return [_mean(total, count) for total, count in zip(*self.tenths.tolist(), strict=True)]

    def state(self) -> dict[str, Any]:
        return {"recent": self.recent.clone(), "tenths": self.tenths.clone(), "lost": self.lost.clone()}

    def load(self, state: dict[str, Any]) -> None:
        self.recent.copy_(state["recent"])
        self.tenths.copy_(state["tenths"])
        self.lost.copy_(state["lost"])


def _mean(total: float, count: float) -> float | None:
    return total / count if count else None
