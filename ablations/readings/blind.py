"""What can be guessed without understanding: the baselines that a few-shot score has to beat.

Each is computed from the gold answers that were evaluated and the labels that the demonstrations showed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from ablations.readings.label_metrics.base import LabelMetric

Labels = Sequence[Sequence[int]]  # of each group


def blind_accuracies(gold: Labels, demo_labels: Labels) -> dict[str, float]:
    """Accuracy of each blind guesser.

    `majority` always guesses the commonest gold label; `prior_matched` draws labels in the proportions of the gold labels;
    `copy_last` guesses the label of the last demonstration, `most_frequent_demo` the commonest among the demonstrations (the
    smallest of equals).

    Args:
        gold: right choices of the items of each group.
        demo_labels: labels shown by the demonstrations of each group; empty where items have their own, and then nothing can be
            copied.

    Raises:
        ValueError: there are no items.
    """
    together = _counted(gold)
    n = together.total()
    accuracies = {"prior_matched": sum((count / n) ** 2 for count in together.values())}
    for name, guesses in _guesses(gold, demo_labels).items():
        right = sum(label == guess for group, guess in zip(gold, guesses, strict=True) for label in group)
        accuracies[name] = right / n
    return accuracies


def blind_label_score(metric: LabelMetric, gold: Labels, demo_labels: Labels) -> float:
    """The metric of the strongest blind guesser, a mean over groups as a model's is.

    The guessers are those of `blind_accuracies` and one for each label, who always guesses it. The metric itself gives the
    expected score of labels drawn in the proportions of the gold ones.

    Raises:
        ValueError: there are no items.
    """
    together = _counted(gold)
    shares = {label: count / together.total() for label, count in together.items()}
    scores = [metric.guessed(shares)]
    constant = {str(label): [label] * len(gold) for label in shares}
    for guesses in (_guesses(gold, demo_labels) | constant).values():
        pairs = zip(gold, guesses, strict=True)
        scores.append(fmean(metric.score(group, [guess] * len(group)) for group, guess in pairs if group))
    return min(scores) if metric.better == "lower" else max(scores)


def _counted(gold: Labels) -> Counter[int]:
    together = Counter(label for group in gold for label in group)
    if not together:
        raise ValueError("no items were evaluated, so there is nothing to guess")
    return together


def _guesses(gold: Labels, demo_labels: Labels) -> dict[str, list[int]]:
    """The one label that each guesser gives for all items of a group."""
    made = {"majority": [commonest([label for group in gold for label in group])] * len(gold)}
    if demo_labels and all(demo_labels):
        made["copy_last"] = [shown[-1] for shown in demo_labels]
        made["most_frequent_demo"] = [commonest(shown) for shown in demo_labels]
    return made


def commonest(labels: Sequence[int]) -> int:
    """The most frequent label, of equals the smallest."""
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))


def only_commonest(labels: Sequence[int]) -> int | None:
    """The most frequent label; None when two are."""
    ranked = Counter(labels).most_common(2)
    tied = len(ranked) == 2 and ranked[0][1] == ranked[1][1]
    return ranked[0][0] if ranked and not tied else None
