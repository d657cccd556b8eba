"""F1 in which a class that is seldom right counts as much as a frequent one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import ClassVar

from ablations.readings.label_metrics.base import UNDECIDED, Example, LabelMetric
from ablations.readings.label_metrics.f1_of_class import f1_of_class


class MacroF1(LabelMetric):
    """Mean F1 of the classes that occur among the gold or the predicted ones."""

    kind: ClassVar[str] = "macro_f1"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "F1, 0 to 1"
    words: ClassVar[str] = "macro F1"
    examples: ClassVar[tuple[Example, ...]] = (
        ((0, 1), (0, 1), 1.0),
        ((0, 1), (0, 0), 1 / 3),
        ((0, 0, 1, 1), (0, -1, 1, 1), (2 / 3 + 1) / 2),
    )

    def score(self, gold: Sequence[int], predicted: Sequence[int]) -> float:
        return fmean(f1_of_class(label, gold, predicted) for label in sorted({*gold, *predicted} - {UNDECIDED}))

    def guessed(self, shares: Mapping[int, float]) -> float:
        return fmean(shares.values())  # precision and recall of a class are both its share
