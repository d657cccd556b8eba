"""F1 of predicted classes, in which a class that is seldom right counts as much as a frequent one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

LabelScore = Callable[[Sequence[int], Sequence[int]], float]


def macro_f1(gold: Sequence[int], predicted: Sequence[int]) -> float:
    """Mean F1 of the classes that occur among the gold or the predicted ones. Undecided predictions are wrong for each class."""
    return fmean(_f1(label, gold, predicted) for label in sorted({*gold, *predicted} - {-1}))


def f1_positive(gold: Sequence[int], predicted: Sequence[int]) -> float:
    """F1 of class 1, the positive one of two; 0 where it is neither gold nor predicted."""
    return _f1(1, gold, predicted)


def _f1(label: int, gold: Sequence[int], predicted: Sequence[int]) -> float:
    both = sum(g == p == label for g, p in zip(gold, predicted, strict=True))
    either = sum(g == label for g in gold) + sum(p == label for p in predicted)
    return 2 * both / either if either else 0.0


LABEL_SCORES: dict[str, LabelScore] = {"macro_f1": macro_f1, "f1_positive": f1_positive}
