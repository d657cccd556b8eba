"""Half a wave. Source: Loshchilov and Hutter 2016, https://arxiv.org/abs/1608.03983."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import ClassVar

from ablations.core.spec.strict import Problem
from ablations.core.training.schedules.base import Schedule


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """Linear up, then half a cosine down to `floor`, a share of the peak."""

    kind: ClassVar[str] = "cosine"
    floor: float = 0.1

    def level(self, step: int, steps: int) -> float:
        return self.floor + (1 - self.floor) * (1 + cos(pi * step / steps)) / 2

    def problems(self) -> list[Problem]:
        bad = super().problems()
        if not 0 <= self.floor <= 1:
            bad.append(("floor", f"{self.floor} is no share of the peak", "Give 0 to 1"))
        return bad
