"""What can be guessed without understanding: the baselines that a few-shot accuracy has to beat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def blind_accuracy(gold: Sequence[Sequence[int]], demo_labels: Sequence[Sequence[int]]) -> float:
    """Accuracy of the strongest blind guesser on the items that were evaluated.

    The guessers: always the commonest gold label; labels drawn in the proportions of the gold labels; the label of the last
    demonstration; the commonest label among the demonstrations (the smallest of equals).

    Args:
        gold: right choices of the items of each group.
        demo_labels: labels shown by the demonstrations of each group; empty where items have their own.

    Raises:
        ValueError: there are no items.
    """
    together = Counter(label for group in gold for label in group)
    n = together.total()
    if n == 0:
        raise ValueError("no items were evaluated, so there is nothing to guess")
    shares = [count / n for count in together.values()]
    found = [max(shares), sum(share * share for share in shares)]
    if demo_labels and all(demo_labels):
        pairs = list(zip(gold, demo_labels, strict=True))
        found.append(sum(label == shown[-1] for group, shown in pairs for label in group) / n)
        found.append(sum(label == commonest(shown) for group, shown in pairs for label in group) / n)
    return max(found)


def commonest(labels: Sequence[int]) -> int:
    """The most frequent label, of equals the smallest."""
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))
