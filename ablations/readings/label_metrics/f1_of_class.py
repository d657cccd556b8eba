"""F1 of one class, from which F1 metrics are made."""

from __future__ import annotations

from collections.abc import Sequence


def f1_of_class(label: int, gold: Sequence[int], predicted: Sequence[int]) -> float:
    """Harmonic mean of precision and recall, 0 to 1; 0 where the class is neither gold nor predicted."""
    both = sum(g == p == label for g, p in zip(gold, predicted, strict=True))
    either = sum(g == label for g in gold) + sum(p == label for p in predicted)
    return 2 * both / either if either else 0.0
