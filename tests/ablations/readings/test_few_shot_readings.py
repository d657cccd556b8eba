"""Readings of few-shot tasks from answers made by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from ablations.core.results.answers import (
    CONTENT_FREE,
    UNCONDITIONAL,
    GroupAnswers,
    Score,
    TaskAnswers,
    content_free_shares,
    likeliest,
)
from ablations.core.results.readings import Name, Reading
from ablations.readings.few_shot import AboutTask, about_task, few_shot_readings, gain_readings
from ablations.readings.label_metrics.f1_positive import F1Positive
from ablations.readings.label_metrics.macro_f1 import MacroF1
from ablations.readings.normalised import calibrated
from ablations.readings.text_metrics.exact_match import ExactMatch

Made = Score | tuple[int, tuple[float, ...]]


def readings(groups: Sequence[GroupAnswers], **about: Any) -> dict[str, Reading]:
    """By what their names say behind the metric's."""
    found = few_shot_readings(TaskAnswers("toy", tuple(groups)), AboutTask(**about))
    assert len({reading.name for reading in found}) == len(found)
    assert all(Name.parse(reading.name).text == reading.name for reading in found)
    return {reading.name.removeprefix("few_shot."): reading for reading in found}


def values_of(groups: Sequence[GroupAnswers], **about: Any) -> dict[str, float]:
    return {name: r.value for name, r in readings(groups, **about).items() if r.value is not None}


def asked(
    scores: Sequence[Made],
    condition: str = "gold",
    k: int = 2,
    draw: int = 0,
    demo_labels: tuple[int, ...] = (),
    **rest: Any,
) -> GroupAnswers:
    """Scores as (gold, log-probabilities) or whole."""
    made = [s if isinstance(s, Score) else Score(str(i), s[0], s[1]) for i, s in enumerate(scores)]
    made = [replace(s, tokens=s.tokens or (1,) * len(s.choices)) for s in made]
    return GroupAnswers(k, condition, draw, tuple(made), demo_labels, **rest)


def test_each_normalisation_can_choose_another_answer() -> None:
    """Four choices; the sum, the tokens, the bytes, the cue and the empty question each prefer another one."""
    score = Score("a", 0, (-2.0, -3.0, -2.5, -2.2), tokens=(1, 3, 2, 1), bytes=(1, 4, 9, 2))
    groups = [
        asked([score]),
        asked([Score("*", 0, (-1.0, -1.0, -1.0, -6.0))], UNCONDITIONAL, k=0),
        asked([Score("n/a", 0, (-0.1, -9.0, -0.1, -0.1))], CONTENT_FREE),
    ]
    rights = {
        "accuracy": 0,
        "accuracy_per_token": 1,
        "accuracy_per_byte": 2,
        "accuracy_pmi": 3,
        "accuracy_calibrated": 1,
    }
    for name, gold in rights.items():
        found = readings([asked([replace(score, gold=gold)]), *groups[1:]])
        right = {ending for ending in rights if found[f"toy.k2.gold.{ending}"].value == 1}
        assert name in right
        assert right == {ending for ending, choice in rights.items() if choice == gold}
        assert not any(UNCONDITIONAL in key or CONTENT_FREE in key or ".k0" in key for key in found)


def test_calibration_makes_an_empty_question_undecided() -> None:
    """Whatever the model says to nothing is what calibration takes away."""
    free = [Score("a", 0, (-1.0, -2.0)), Score("b", 0, (-3.0, -1.0))]
    each = [[math.exp(p) / sum(map(math.exp, s.choices)) for p in s.choices] for s in free]
    shares = content_free_shares(free)
    assert shares == pytest.approx([sum(column) / 2 for column in zip(*each, strict=True)])
    says_nothing = Score("c", 0, tuple(math.log(share) + 7 for share in shares))
    assert calibrated(says_nothing, shares) == pytest.approx((7.0, 7.0))
    assert calibrated(says_nothing, ()) is None


def test_margin_and_loss_are_means_and_a_tie_is_no_right_answer() -> None:
    found = values_of([asked([(0, (-1.0, -3.0)), (1, (-1.0, -1.0)), (1, (-4.0, -1.5))])])
    assert found["toy.k2.gold.nll"] == pytest.approx((1 + 1 + 1.5) / 3)
    assert found["toy.k2.gold.margin"] == pytest.approx((2 + 0 + 2.5) / 3)
    assert found["toy.k2.gold.accuracy"] == pytest.approx(2 / 3)
    assert likeliest((-1.0, -1.0, -2.0)) == -1


def test_what_a_task_does_not_have_is_absent() -> None:
    """A group whose items are all too long has an n of 0, no value, and never NaN."""
    found = readings([asked([], k=2), asked([], "permuted", k=2)], labels=True, label_metrics=[MacroF1()])
    assert set(found) == {"toy.k2.gold.nll", "toy.k2.permuted.nll", "toy.k2.permuted_minus_gold"}
    assert all((reading.value, reading.n) == (None, {"answers": 0}) for reading in found.values())
    assert gain_readings(TaskAnswers("toy", (asked([]), asked([], "permuted"))), AboutTask()) == []


def test_what_permuted_labels_cost_is_over_the_draws_and_items_that_both_have() -> None:
    """If this fails, a gain is one of other questions or other demonstrations."""
    groups = [
        asked([(0, (-1.0, -9.0)), (0, (-2.0, -9.0))], draw=0),
        asked([(0, (-4.0, -9.0))], draw=1),
        asked([(0, (-3.0, -9.0))], "permuted", draw=0),
        asked([(0, (-9.0, -9.0))], "permuted", draw=2),
    ]
    (gain,) = gain_readings(TaskAnswers("toy", tuple(groups)), AboutTask())
    assert (gain.name, gain.value, gain.n) == ("few_shot.toy.k2.permuted_minus_gold", 2.0, {"answers": 1})
    assert readings(groups)["toy.k2.permuted_minus_gold"] == gain


def test_every_reading_says_what_it_is() -> None:
    groups = [
        asked([(0, (-1.0, -9.0))], k=0),
        asked([(0, (-1.0, -9.0))], demo_labels=(0, 1)),
        asked([(0, (-1.0, -9.0))], "permuted", demo_labels=(1, 0)),
    ]
    found = readings(groups, labels=True, label_metrics=[MacroF1()])
    assert all(r.unit and r.words.endswith(("in toy, zero-shot", "demos", "k = 2", "k = 0")) for r in found.values())
    assert found["toy.k0.gold.nll"].words == "NLL of the gold answer in toy, zero-shot"
    assert found["toy.k2.permuted.accuracy"].words == "accuracy in toy, k = 2, permuted demos"
    better = {"nll": "lower", "accuracy": "higher", "permuted_minus_gold": "higher", "blind_accuracy": None}
    assert {name: {r.better for r in found.values() if r.reading == name} for name in better} == {
        name: {side} for name, side in better.items()
    }


def test_written_answers_have_losses_and_text_metrics_and_no_accuracy() -> None:
    gold, permuted = ([Score(name, 0, (nll,)) for name, nll in (("a", -1.0), ("b", -2.0))] for _ in range(2))
    groups = [
        asked(gold, draw=0, texts=(" yes", "no")),
        asked(gold, draw=1, texts=("yes", "maybe ")),
        asked(permuted, "permuted"),
    ]
    about = {"written": True, "text_metrics": [ExactMatch()], "references": {"a": ("yes",), "b": ("maybe", "perhaps")}}
    found = values_of(groups, **about)
    assert found["toy.k2.gold.exact_match"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["toy.k2.blind_exact_match"] == pytest.approx(1 / 2)
    assert set(found) == {
        *(f"toy.k2.{name}" for name in ("gold.nll", "permuted.nll", "permuted_minus_gold", "gold.exact_match")),
        "toy.k2.blind_exact_match",
    }
    without = values_of([replace(group, texts=None) for group in groups], **about)
    assert not any("exact_match" in name for name in without)


def test_what_is_known_of_a_task_is_read_from_its_items() -> None:
    metrics = {"macro_f1": MacroF1, "f1_positive": F1Positive}, {"exact_match": ExactMatch}
    chosen = about_task({"labels": ["a", "b"], "metrics": ["f1_positive", "exact_match"]}, *metrics)
    assert (chosen.labels, chosen.written) == (True, False)
    assert [metric.kind for metric in chosen.label_metrics] == ["f1_positive"]
    assert [metric.kind for metric in chosen.text_metrics] == ["exact_match"]
    items = {"generation": {"max_tokens": 3, "stop": [2]}, "references": {"a": ["yes"]}}
    assert about_task(items, *metrics) == AboutTask(
        written=True, references={"a": ["yes"]}, label_metrics=[], text_metrics=[]
    )


def test_f1_is_a_mean_over_draws_and_has_its_own_baseline() -> None:
    draws = [
        asked([(0, (-1.0, -2.0)), (1, (-1.0, -2.0))], draw=0, demo_labels=(0, 1)),
        asked([(0, (-1.0, -2.0)), (1, (-2.0, -1.0))], draw=1, demo_labels=(1, 1)),
    ]
    found = values_of(draws, labels=True, label_metrics=[MacroF1(), F1Positive()])
    assert found["toy.k2.gold.macro_f1"] == pytest.approx((1 / 3 + 1) / 2)
    assert found["toy.k2.gold.f1_positive"] == pytest.approx((0 + 1) / 2)
    assert found["toy.k2.blind_macro_f1"] == pytest.approx(1 / 2)  # labels in their proportions; one label: 1/3
    assert found["toy.k2.blind_f1_positive"] == pytest.approx(2 / 3)  # always positive


def prediction(gold: int, label: int, labels: int = 2) -> tuple[int, tuple[float, ...]]:
    return gold, tuple(-1.0 if i == label else -2.0 for i in range(labels))


def test_a_model_that_repeats_the_commonest_or_the_last_label_shows_its_bias() -> None:
    shown = [(0, 0, 1), (1, 1, 0), (1, 0)]
    majority = [asked([prediction(g, s[0]) for g in (0, 1)], draw=i, demo_labels=s) for i, s in enumerate(shown)]
    bias = readings(majority, labels=True)["toy.k2.bias.majority_label"]
    assert bias.value == 0.5  # says it always, it is right half of the time
    assert bias.n == {"answers": 4}  # of the last draw's labels none is the commonest
    last = [asked([prediction(g, s[-1]) for g in (0, 1)], draw=i, demo_labels=s) for i, s in enumerate(shown)]
    assert readings(last, labels=True)["toy.k2.bias.recency"].value == 0.5


@pytest.mark.parametrize("answers", ["right", "the first label", "a tie"])
def test_a_model_without_a_bias_to_its_demonstrations_shows_none(answers: str) -> None:
    """Behind each combination of demonstrations once, so that whatever ignores them cannot agree with them by chance."""
    groups = []
    for draw, shown in enumerate(product((0, 1), repeat=3)):
        says: dict[str, Callable[[int], tuple[int, tuple[float, ...]]]] = {
            "right": lambda g: prediction(g, g),
            "the first label": lambda g: prediction(g, 0),
            "a tie": _tie,
        }
        groups.append(asked([says[answers](g) for g in (0, 1, 1, 0)], draw=draw, demo_labels=shown))
    found = values_of(groups, labels=True)
    assert found["toy.k2.bias.majority_label"] == 0
    assert found["toy.k2.bias.recency"] == 0


def _tie(gold: int) -> tuple[int, tuple[float, ...]]:
    return gold, (-1.0, -1.0)


def test_bias_needs_labels_that_mean_the_same_for_all_items() -> None:
    found = readings([asked([(0, (-1.0, -2.0))], demo_labels=(0, 1))])
    assert not any("bias" in name for name in found)
