"""Verdicts from single answers: paired item by item, adjusted over all claims, silent about two arms that are alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.claims.differs import Differs
from ablations.claims.emerges import Emerges
from ablations.claims.synergy import Synergy
from ablations.claims.verdicts import exploratory, judge
from ablations.core.results.answers import GroupAnswers, Score, TaskAnswers
from ablations.core.results.readings import Reading
from ablations.evidence.compare import compare, comparison_text
from ablations.readings.few_shot import AboutTask, few_shot_readings
from ablations.statistics.adjustment import benjamini_hochberg
from ablations.statistics.cell_result import CellResult
from ablations.statistics.contrast import answers, right_minus_blind
from ablations.statistics.measures import Measures
from ablations.statistics.midpoint import marks
from ablations.statistics.permutation import exchange_p, least_exchange_p, least_sign_flip_p, sign_flip_p
from curation.runtime.errors import ConfigError

TASK, K, DRAWS, ITEMS = "topic", 4, 4, 30
GAIN = f"few_shot.{TASK}.k{K}.permuted_minus_gold"


def cell(
    arm: str, seed: int, gain: float, rng: np.random.Generator, hard: np.ndarray, right: float = 0.9
) -> CellResult:
    """One cell whose gold answers are `gain` nats better with gold demonstrations; `hard` is what items share over arms."""
    groups = []
    for condition, k, draws, loss in (
        ("gold", 0, 1, 3.0 + gain),
        ("gold", K, DRAWS, 3.0),
        ("permuted", K, DRAWS, 3.0 + gain),
    ):
        for draw in range(draws):
            nll = loss + hard + rng.normal(0, 0.1, ITEMS)
            correct = rng.random(ITEMS) < right
            scores = tuple(score(f"q{i}", i % 2, nll[i], bool(correct[i])) for i in range(ITEMS))
            groups.append(GroupAnswers(k, condition, draw, scores, (0, 1, 1, 0)[:k]))
    answered = TaskAnswers(TASK, tuple(groups))
    readings = {reading.name: reading for reading in few_shot_readings(answered, AboutTask(labels=True))}
    return CellResult(f"{arm}_s{seed}", arm, seed, readings, {TASK: answered})


def score(item: str, gold: int, nll: float, correct: bool) -> Score:
    """Of two choices; the other one is a nat less likely, or likelier."""
    other = -nll + (-1.0 if correct else 1.0)
    return Score(item, gold, (-nll, other) if gold == 0 else (other, -nll), (1, 1))


def study(gains: dict[str, float], seeds: int = 5, right: float = 0.9, seed: int = 0) -> Measures:
    rng = np.random.default_rng(seed)
    hard = rng.normal(0, 2.0, ITEMS)
    return Measures.of_cells(
        cell(arm, number, gain + rng.normal(0, 0.01), rng, hard, right)
        for arm, gain in gains.items()
        for number in range(seeds)
    )


def test_single_answers_have_the_mean_of_the_value_that_was_kept() -> None:
    measures = study({"a": 0.3}, seeds=1)
    (one,) = measures.cells
    for measure in (GAIN, f"few_shot.{TASK}.k{K}.gold.nll", f"few_shot.{TASK}.k{K}.gold.accuracy"):
        found = answers(one, measure)
        assert found is not None
        assert found.values_DI.shape == (DRAWS, ITEMS)
        assert found.values_DI.mean() == pytest.approx(one.values[measure])


def test_the_blind_guess_is_taken_off_item_by_item() -> None:
    (one,) = study({"a": 0.3}, seeds=1).cells
    found = right_minus_blind(TASK, K)(one)
    assert found is not None
    assert set(np.unique(found.values_DI)) <= {-1.0, 0.0, 1.0}
    assert found.values_DI.mean() == pytest.approx(one.values[f"few_shot.{TASK}.k{K}.gold.accuracy"] - 0.5)


def test_items_that_one_cell_lacks_are_left_out_of_all() -> None:
    cells = list(study({"a": 0.3, "b": 0.3}).cells)
    one = cells[3]
    fewer = tuple(replace(group, scores=group.scores[1:]) for group in one.answers[TASK].groups)
    cells[3] = replace(one, answers={TASK: TaskAnswers(TASK, fewer)})
    measures = Measures.of_cells(cells)
    (verdict,) = judge([Differs(arm_a="a", arm_b="b", measure=GAIN)], measures)
    assert (verdict.seeds, verdict.draws, verdict.items) == (5, DRAWS, ITEMS - 1)


def test_mirrored_items_of_a_map_are_one_item() -> None:
    scores = tuple(score("0" * 16 + f".{i}", 0, nll, True) for i, nll in enumerate((1.0, 3.0)))
    asked = TaskAnswers("control_map", (GroupAnswers(8, "gold", 0, scores),))
    one = CellResult("a", "a", 0, {}, {"control_map": asked})
    found = answers(one, "few_shot.control_map.k8.gold.nll")
    assert found is not None
    assert found.values_DI.tolist() == [[2.0]]


def test_what_items_share_cancels_in_a_paired_difference() -> None:
    """Items differ by 2 nats, arms by 0.2: unpaired, nobody could see it."""
    measures = study({"a": 0.5, "b": 0.3})
    (verdict,) = judge([Differs(arm_a="a", arm_b="b", measure=GAIN)], measures)
    assert verdict.outcome == "supported"
    assert verdict.effect == pytest.approx(0.2, abs=0.05)
    assert verdict.permutation_p == least_sign_flip_p(5)


@pytest.mark.simulation
def test_two_arms_that_are_alike_get_no_verdict() -> None:
    """The null study in small: 40 of them, each with three claims about two arms of one distribution."""
    decided = 0
    for number in range(40):
        claims = [
            Differs(arm_a="a", arm_b="b", measure=m)
            for m in (GAIN, f"few_shot.{TASK}.k{K}.gold.nll", f"few_shot.{TASK}.k{K}.gold.accuracy")
        ]
        decided += any(v.outcome != "undecided" for v in judge(claims, study({"a": 0.3, "b": 0.3}, seed=number)))
    assert decided <= 6


def test_emergence_needs_all_three_legs() -> None:
    claims = [Emerges(task=TASK, arm="a")]
    (good,) = judge(claims, study({"a": 0.5}))
    (no_better_than_blind,) = judge(claims, study({"a": 0.5}, right=0.5))
    (nothing,) = judge(claims, study({"a": 0.0}))
    assert [v.outcome for v in (good, no_better_than_blind, nothing)] == ["supported", "undecided", "undecided"]
    assert "blind guess" in no_better_than_blind.why


def test_a_smallest_effect_lets_a_difference_be_contradicted_only_in_a_measure_that_cannot_switch() -> None:
    measures = study({"a": 0.3, "b": 0.3})
    plain, bold = judge(
        [Differs(arm_a="a", arm_b="b", measure=GAIN), Differs(arm_a="a", arm_b="b", measure=GAIN, smallest=0.3)],
        measures,
    )
    assert (plain.outcome, bold.outcome) == ("undecided", "undecided")
    cells = [replace(cell, readings=smooth(cell.readings)) for cell in measures.cells]
    (smoothly,) = judge([Differs(arm_a="a", arm_b="b", measure=GAIN, smallest=0.3)], Measures.of_cells(cells))
    assert smoothly.outcome == "contradicted"


def smooth(readings: Mapping[str, Reading]) -> dict[str, Reading]:
    return {name: replace(reading, moves="smoothly") for name, reading in readings.items()}


def test_synergy_has_to_beat_every_part() -> None:
    measures = study({"ab": 0.5, "a": 0.3, "b": 0.5})
    both, one = judge([Synergy(mixture="ab", parts=parts, measure=GAIN) for parts in (("a", "b"), ("a",))], measures)
    assert (both.outcome, one.outcome) == ("undecided", "supported")


def test_what_is_not_registered_is_exploratory_and_leaves_registered_claims_out() -> None:
    measures = study({"a": 0.5, "b": 0.0, "c": 0.5})
    found = exploratory(
        measures, ["a", "b", "c"], [Emerges(task=TASK, arm="a"), Differs(arm_a="c", arm_b="b", measure=GAIN)]
    )
    assert not any(verdict.registered for verdict in found)
    assert len(found) == 2 + 2
    assert {v.outcome for v in found if v.claim == "differs" and "arms a and b" in v.sentence} == {"supported"}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_benjamini_hochberg_is_the_step_up_rule(ps: list[float]) -> None:
    adjusted = benjamini_hochberg(ps)
    for alpha in (0.01, 0.05, 0.3):
        ranks = [rank for rank, p in enumerate(sorted(ps), 1) if p <= alpha * rank / len(ps)]
        assert sum(q <= alpha + 1e-12 for q in adjusted) >= max(ranks, default=0)
        assert sum(q <= alpha - 1e-12 for q in adjusted) <= max(ranks, default=0)


def test_exact_tests_reach_no_less_than_the_planner_says() -> None:
    assert [round(least_exchange_p(n), 4) for n in (3, 5, 6)] == [0.1, 0.0079, 0.0022]
    assert [least_sign_flip_p(n) for n in (5, 6, 8)] == [0.0625, 0.03125, 0.0078125]
    for n in (3, 5, 6):
        far = [10.0 + i for i in range(n)]
        assert sign_flip_p(far) == pytest.approx(least_sign_flip_p(n))
        assert exchange_p(far, [-value for value in far]) == pytest.approx(least_exchange_p(n))


def test_the_midpoint_marks_each_side_and_nothing_on_it() -> None:
    assert marks({"all": 0.9, "a": 0.71, "b": 0.5, "c": 0.7}, "all", 0.5) == {
        "all": "above",
        "a": "above",
        "b": "below",
    }
    assert marks({"a": 0.7}, "all", 0.5) == {}


def test_compare_gives_the_paired_difference_with_its_pairs() -> None:
    cells = study({"a": 0.5, "b": 0.3}).cells
    found = compare(cells, "a", "b", GAIN)
    assert (found.seeds, found.draws, found.items, len(found.pairs)) == (5, DRAWS, ITEMS, 5)
    assert found.effect == pytest.approx(np.mean([pair.difference for pair in found.pairs]))
    assert "a is better" in comparison_text(found)
    single = compare(cells, "a_s0", "b_s1", GAIN)
    assert (single.seeds, single.interval) == (1, None)
    with pytest.raises(ConfigError, match="Did you mean 'a'"):
        compare(cells, "aa", "b", GAIN)
