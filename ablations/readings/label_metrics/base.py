"""The interface of a label metric: gold and predicted classes of one draw in, one number out.

Only the standard library is used here, so that tables of finished cells can be made anywhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

Example = tuple[Sequence[int], Sequence[int], float]  # gold, predicted, their score
UNDECIDED = -1  # what is predicted when two choices are equally likely


class LabelMetric(ABC):
    """One way to score classes. The first line of its docstring defines the number.

    Attributes:
        unit: such as "F1, 0 to 1".
        better: which way is better; None where neither is.
        words: its name in sentences and on axes.
        examples: tested, and shown in the docs.
    """

    kind: ClassVar[str]
    version: ClassVar[int]  # raise it when a number changes: what was kept is then computed again
    unit: ClassVar[str]
    better: ClassVar[Literal["higher", "lower"] | None] = "higher"
    words: ClassVar[str]
    examples: ClassVar[tuple[Example, ...]]

    @abstractmethod
    def score(self, gold: Sequence[int], predicted: Sequence[int]) -> float:
        """Of one draw's answers, at least one. `UNDECIDED` is a prediction that is wrong for every class."""

    @abstractmethod
    def guessed(self, shares: Mapping[int, float]) -> float:
        """The expected score of labels drawn, blind to the items, in the proportions `shares` of the gold ones.

        The expectation in the limit of many items: a baseline that a model has to beat.
        """
