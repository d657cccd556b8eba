"""A learning rate that stays where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ablations.core.training.schedules.base import Schedule


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """Linear up, then flat to the end."""

    kind: ClassVar[str] = "constant"

    def level(self, step: int, steps: int) -> float:
        return 1.0
