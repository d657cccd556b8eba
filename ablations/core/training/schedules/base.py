"""The interface of a schedule: the learning rate of each step as a share of its peak."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from ablations.core.spec.strict import Problem


@dataclass(frozen=True, kw_only=True)
class Schedule(ABC):
    """A curve of learning rates. The first line of its docstring describes its form.

    Its fields are its settings, under `schedule:` of a study's cells beside `tokens` and `batch`: numbers, words, true or false.
    All of them, defaults included, are part of a cell's identity. Every schedule has `warmup_steps`: the rate rises linearly.
    """

    kind: ClassVar[str]
    warmup_steps: int = 20

    @abstractmethod
    def level(self, step: int, steps: int) -> float:
        """Share of the peak at step 0 .. steps - 1, once the rate has risen; more than 1 counts as 1."""

    def share(self, step: int, steps: int) -> float:
        """Share of the peak at step 0 .. steps - 1."""
        return min(1.0, (step + 1) / (self.warmup_steps + 1), self.level(step, steps))

    def problems(self) -> list[Problem]:
        if self.warmup_steps < 0:
            return [("warmup_steps", f"{self.warmup_steps} is negative", "Give 0 or more")]
        return []
