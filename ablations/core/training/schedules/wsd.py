"""Warm up, stay, decay. Source: Hu et al. 2024, https://arxiv.org/abs/2404.06395."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ablations.core.spec.strict import Problem
from ablations.core.training.schedules.base import Schedule


@dataclass(frozen=True, kw_only=True)
class Wsd(Schedule):
    """Linear up, then flat, then linear down to zero over the last `cooldown`, a share of all steps."""

    kind: ClassVar[str] = "wsd"
    cooldown: float

    def level(self, step: int, steps: int) -> float:
        return (steps - step) / (self.cooldown * steps)

    def problems(self) -> list[Problem]:
        bad = super().problems()
        if not 0 < self.cooldown <= 1:
            bad.append(("cooldown", f"{self.cooldown} is no share of the steps", "Give above 0 and at most 1"))
        return bad
