"""The interface of what a position may look at: a prefix that is seen in both directions, and how long it is in training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.core.spec.strict import Problem


@dataclass(frozen=True, kw_only=True)
class Mask(ABC):
    """One sort of attention mask. The first line of its docstring describes it.

    Attributes:
        both_ways: whether the demonstrations and the question of a task are a prefix whose tokens see one another.
    """

    kind: ClassVar[str]
    both_ways: ClassVar[bool] = False

    @abstractmethod
    def prefixes(self, step: int, steps: int, inputs: int, draws: NDArray[np.uint64]) -> NDArray[np.int64] | None:
        """Of each window of a step, from 0, the number of tokens of its prefix, which see one another and are not learned from.

        Args:
            inputs: tokens of a window that the model is given.
            draws: a random number for each window.

        Returns:
            None where no window has one.
        """

    def problems(self) -> list[Problem]:
        return []
