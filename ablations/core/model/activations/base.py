"""The interface of what stands between the matrices of an MLP."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablations.core.spec.strict import Problem

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Activation(ABC):
    """One activation. The first line of its docstring describes it.

    Attributes:
        branches: how many matrices lead up to it: 2 for one that is gated. Gated MLPs are two thirds as wide, so that every kind
            has as many weights.
    """

    kind: ClassVar[str]
    branches: ClassVar[int] = 1

    @abstractmethod
    def inner(self, up_BTX: Tensor) -> Tensor:
        """From what the matrices up give, one after the other, to what the one down reads."""

    def hidden(self, width: int, mlp_ratio: float) -> int:
        """Width of what the matrix down reads."""
        return max(1, round(width * mlp_ratio * 2 / (1 + self.branches)))

    def problems(self) -> list[Problem]:
        return []
