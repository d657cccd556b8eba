"""F1 of the class that is looked for, as paraphrase and similarity tasks report it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from ablations.readings.label_metrics.base import Example, LabelMetric
from ablations.readings.label_metrics.f1_of_class import f1_of_class

POSITIVE = 1


class F1Positive(LabelMetric):
    """F1 of class 1, the positive one of two; 0 where it is neither gold nor predicted."""

    kind: ClassVar[str] = "f1_positive"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "F1, 0 to 1"
    words: ClassVar[str] = "F1 of the positive class"
    examples: ClassVar[tuple[Example, ...]] = (
        ((1, 1, 0), (1, 0, 0), 2 / 3),
        ((1, 0), (1, 1), 2 / 3),
        ((0, 0), (0, -1), 0.0),
    )

    def score(self, gold: Sequence[int], predicted: Sequence[int]) -> float:
        return f1_of_class(POSITIVE, gold, predicted)

    def guessed(self, shares: Mapping[int, float]) -> float:
        return shares.get(POSITIVE, 0.0)
