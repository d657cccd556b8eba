"""Matthews' correlation, which a classifier cannot raise by predicting the commonest class more often.

Source: Gorodkin 2004, Comparing two K-category assignments by a K-category correlation coefficient,
https://doi.org/10.1016/j.compbiolchem.2004.09.006; for two classes it is the coefficient of Matthews 1975.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar

from ablations.readings.label_metrics.base import Example, LabelMetric


class Mcc(LabelMetric):
    """Matthews' correlation of gold and predicted classes, of any number: 1 all right, 0 as good as a blind guess.

    Undecided predictions are a class of their own that is never right. 0 where one of the two does not vary, as for a model
    that always predicts one class: nothing can be correlated with it.
    """

    kind: ClassVar[str] = "mcc"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "correlation, -1 to 1"
    words: ClassVar[str] = "Matthews correlation"
    examples: ClassVar[tuple[Example, ...]] = (
        ((0, 1, 2), (0, 1, 2), 1.0),
        ((0, 1), (1, 0), -1.0),
        ((0, 1), (1, 1), 0.0),
        ((1, 1, 1, 0), (1, 0, 1, 1), -1 / 3),
    )

    def score(self, gold: Sequence[int], predicted: Sequence[int]) -> float:
        right = sum(g == p for g, p in zip(gold, predicted, strict=True))
        golds, said, n = Counter(gold), Counter(predicted), len(gold)
        variances = _variance(golds, n) * _variance(said, n)
        covariance = right * n - sum(golds[label] * said[label] for label in golds)
        return covariance / math.sqrt(variances) if variances else 0.0

    def guessed(self, shares: Mapping[int, float]) -> float:
        return 0.0  # what does not look at the items is not correlated with them


def _variance(counts: Counter[int], n: int) -> int:
    """Of the indicators of all classes, summed, times n squared."""
    return n**2 - sum(count**2 for count in counts.values())
