"""Scores of chosen answers: what is true of every label metric, now and later, and what each one is."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, matthews_corrcoef

from ablations.readings.label_metrics.base import UNDECIDED, LabelMetric
from ablations.readings.label_metrics.registry import LABEL_METRICS

MEMBERS = LABEL_METRICS.classes()
every_metric = pytest.mark.parametrize("metric", [cls() for cls in MEMBERS.values()], ids=MEMBERS)
some_answers = st.lists(st.tuples(st.integers(0, 2), st.integers(UNDECIDED, 2)), min_size=1, max_size=30)
Answers = list[tuple[int, int]]


def score(metric: LabelMetric, answers: Answers) -> float:
    return metric.score([gold for gold, _ in answers], [predicted for _, predicted in answers])


def worse(metric: LabelMetric, value: float) -> float:
    """A number that is larger the worse it is."""
    return {"higher": -value, "lower": value, None: 0.0}[metric.better]


@every_metric
def test_a_label_metric_says_what_it_is(metric: LabelMetric) -> None:
    """Tables, axes and `--help` take their words from here; what is missing would be an empty cell there."""
    assert metric.unit
    assert metric.words
    assert metric.better in ("higher", "lower", None)
    assert metric.version >= 1
    assert LABEL_METRICS.catalogue()[metric.kind]


@every_metric
def test_the_examples_of_a_label_metric_come_true(metric: LabelMetric) -> None:
    assert len(metric.examples) >= 2
    for gold, predicted, wanted in metric.examples:
        assert metric.score(gold, predicted) == pytest.approx(wanted)


@every_metric
@given(answers=some_answers, luck=st.randoms(use_true_random=False))
def test_a_label_metric_does_not_depend_on_the_order_of_items(
    metric: LabelMetric, answers: Answers, luck: random.Random
) -> None:
    """If this fails, asking the same items in another order is another result."""
    shuffled = luck.sample(answers, len(answers))
    assert score(metric, shuffled) == pytest.approx(score(metric, answers))


@every_metric
@given(answers=some_answers)
def test_no_answers_are_better_than_the_right_ones(metric: LabelMetric, answers: Answers) -> None:
    """If this fails, a model is rewarded for mistakes; and whatever it answers, the score is a number."""
    found = score(metric, answers)
    assert math.isfinite(found)
    right = score(metric, [(gold, gold) for gold, _ in answers])
    assert worse(metric, right) <= worse(metric, found) + 1e-9
    undecided = score(metric, [(gold, UNDECIDED) for gold, _ in answers])
    assert worse(metric, undecided) >= worse(metric, right) - 1e-9


@every_metric
@pytest.mark.parametrize("shares", [{0: 0.5, 1: 0.3, 2: 0.2}, {0: 0.9, 1: 0.1}], ids=["three", "two"])
def test_a_blind_guess_comes_to_what_the_metric_expects_of_it(metric: LabelMetric, shares: dict[int, float]) -> None:
    """If this fails, a model is held against a baseline that no guesser has."""
    draw = random.Random(5)
    n = 40_000
    gold = [label for label, share in shares.items() for _ in range(round(share * n))]
    predicted = draw.choices(list(shares), weights=list(shares.values()), k=len(gold))
    assert metric.score(gold, predicted) == pytest.approx(metric.guessed(shares), abs=0.02)


# ---- each one


@given(some_answers)
def test_f1_is_that_of_scikit_learn(answers: Answers) -> None:
    gold, predicted = ([pair[i] for pair in answers] for i in (0, 1))
    labels = sorted({*gold, *predicted} - {UNDECIDED})
    wanted = f1_score(gold, predicted, labels=labels, average="macro")
    assert score(MEMBERS["macro_f1"](), answers) == pytest.approx(wanted)
    wanted = f1_score(gold, predicted, labels=[1], average="macro", zero_division=0)
    assert score(MEMBERS["f1_positive"](), answers) == pytest.approx(wanted)


def slow_mcc(answers: Answers) -> float:
    """Gorodkin's definition: covariances of the classes' indicators, one class after the other, item by item."""

    def covariance(a: list[int], b: list[int]) -> float:
        total = 0.0
        for label in {*a, *b}:
            x, y = ([float(each == label) for each in side] for side in (a, b))
            mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
            total += sum((u - mean_x) * (v - mean_y) for u, v in zip(x, y, strict=True))
        return total

    gold, predicted = [g for g, _ in answers], [p for _, p in answers]
    if len(set(gold)) == 1 or len(set(predicted)) == 1:
        return 0.0
    return covariance(gold, predicted) / math.sqrt(covariance(gold, gold) * covariance(predicted, predicted))


@given(some_answers)
def test_mcc_is_the_correlation_of_the_classes_indicators(answers: Answers) -> None:
    found = score(MEMBERS["mcc"](), answers)
    assert found == pytest.approx(slow_mcc(answers), abs=1e-9)
    if len({label for pair in answers for label in pair}) > 1:  # scikit-learn warns of a single one
        assert found == pytest.approx(matthews_corrcoef(*zip(*answers, strict=True)), abs=1e-9)


@given(some_answers, st.permutations([0, 1, 2]))
def test_mcc_does_not_depend_on_what_the_classes_are_called(answers: Answers, names: list[int]) -> None:
    """Unlike the F1 of the positive class: whichever label a task puts first, the number stays."""
    renamed = [(names[gold], names[said] if said != UNDECIDED else UNDECIDED) for gold, said in answers]
    assert score(MEMBERS["mcc"](), renamed) == pytest.approx(score(MEMBERS["mcc"](), answers))


@given(some_answers, st.integers(0, 2))
def test_mcc_gives_nothing_for_saying_one_class_always(answers: Answers, label: int) -> None:
    """Accuracy and F1 do, and more the commoner the class is."""
    gold = [gold for gold, _ in answers]
    assert MEMBERS["mcc"]().score(gold, [label] * len(gold)) == 0
    commonest = Counter(gold).most_common(1)[0][0]
    assert MEMBERS["macro_f1"]().score(gold, [commonest] * len(gold)) > 0
