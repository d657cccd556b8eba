"""What can be guessed without understanding, against guessers who answer one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.readings.blind import (
    blind_accuracies,
    blind_label_score,
    commonest,
    only_commonest,
)
from ablations.readings.label_metrics.base import LabelMetric
from ablations.readings.label_metrics.registry import LABEL_METRICS

LABELS = st.lists(st.integers(0, 2), min_size=1, max_size=20)
MEMBERS = LABEL_METRICS.classes()
every_metric = pytest.mark.parametrize("metric", [cls() for cls in MEMBERS.values()], ids=MEMBERS)


class Mistakes(LabelMetric):
    """Share of items that are answered wrong, the lower the better."""

    kind: ClassVar[str] = "mistakes"
    better: ClassVar[Literal["higher", "lower"] | None] = "lower"

    def score(self, gold: Sequence[int], predicted: Sequence[int]) -> float:
        return fmean(g != p for g, p in zip(gold, predicted, strict=True))

    def guessed(self, shares: Mapping[int, float]) -> float:
        return 1 - sum(share**2 for share in shares.values())


@given(st.lists(LABELS, min_size=1, max_size=4), st.data())
def test_blind_guesses_are_those_of_guessers_who_answer_one_by_one(gold, data: st.DataObject) -> None:
    shown = [data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=5)) for _ in gold]
    answers = [(label, group) for labels, group in zip(gold, shown, strict=True) for label in labels]
    n, labels = len(answers), [label for label, _ in answers]
    top = min(set(labels), key=lambda label: (-labels.count(label), label))
    wanted = {
        "majority": sum(label == top for label, _ in answers) / n,
        "prior_matched": sum(labels.count(label) / n for label, _ in answers) / n,
        "copy_last": sum(label == group[-1] for label, group in answers) / n,
        "most_frequent_demo": sum(
            label == min(group, key=lambda each: (-group.count(each), each)) for label, group in answers
        )
        / n,
    }
    assert blind_accuracies(gold, shown) == pytest.approx(wanted)
    assert set(blind_accuracies(gold, [()] * len(gold))) == {"majority", "prior_matched"}


@every_metric
@given(gold=st.lists(LABELS, min_size=1, max_size=4), data=st.data())
def test_no_guesser_beats_the_baseline_of_a_metric(metric, gold, data: st.DataObject) -> None:
    """If this fails, a model that repeats a label passes for one that understands."""
    shown = [data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=5)) for _ in gold]
    sayings = [[label] * len(gold) for label in range(3) if any(label in group for group in gold)]
    sayings += [[group[-1] for group in shown], [commonest(group) for group in shown]]
    best = max(
        fmean(metric.score(labels, [said] * len(labels)) for labels, said in zip(gold, each, strict=True))
        for each in sayings
    )
    labels = [label for group in gold for label in group]
    drawn = metric.guessed({label: labels.count(label) / len(labels) for label in dict.fromkeys(labels)})
    assert blind_label_score(metric, gold, shown) == pytest.approx(max(best, drawn))


def test_where_lower_is_better_the_strongest_guesser_has_the_least() -> None:
    assert blind_label_score(Mistakes(), [[0, 0, 0, 1]], [()]) == 0.25


def test_without_items_there_is_nothing_to_guess() -> None:
    for guess in (blind_accuracies, lambda *groups: blind_label_score(Mistakes(), *groups)):
        with pytest.raises(ValueError, match="no items were evaluated"):
            guess([[], []], [(0,), (1,)])


def test_of_equally_frequent_labels_none_is_the_only_commonest() -> None:
    assert only_commonest([1, 1, 0]) == 1
    assert only_commonest([1, 0]) is None
    assert only_commonest([]) is None
    assert commonest([1, 0]) == 0
