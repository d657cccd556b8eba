"""Verdicts follow from numbers alone, and say undecided whenever the design cannot decide."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

from ablations.claims.differs import Differs
from ablations.claims.emerges import Emerges
from ablations.claims.goes_with import GoesWith
from ablations.claims.size_effect import SizeEffect
from ablations.claims.synergy import Synergy
from ablations.claims.verdicts import judge
from ablations.core.results.readings import Name, Reading
from ablations.statistics.adjustment import holm
from ablations.statistics.cell_result import CellResult
from ablations.statistics.instrument import check_controls
from ablations.statistics.measures import Measures
from ablations.statistics.paired import Estimate, estimate_crossed, interval_of_least

GAIN = "few_shot.control_map.k8.permuted_minus_gold"


def estimate(values: list[float]) -> Estimate:
    """Of one value a seed."""
    return estimate_crossed(np.array(values).reshape(-1, 1, 1))


def reading_of(measure: str, value: float) -> Reading:
    """A reading of this full name, of which less is better."""
    name = Name.parse(measure)
    return Reading(
        name.metric, value, "units", "lower", measure, name.reading, task=name.task, k=name.k, condition=name.condition
    )


def cell(arm: str, seed: int, values: Mapping[str, float]) -> CellResult:
    return CellResult(f"{arm}_s{seed}", arm, seed, {name: reading_of(name, value) for name, value in values.items()})


def cells(arm: str, measure: str, values: list[float]) -> list[CellResult]:
    return [cell(arm, seed, {measure: value}) for seed, value in enumerate(values)]


def emerging(arm: str, gains: list[float], accuracy: float = 0.9) -> list[CellResult]:
    start = "few_shot.control_map"
    made = []
    for seed, gain in enumerate(gains):
        values = {
            GAIN: gain,
            f"{start}.k0.gold.nll": 4.0 + 0.01 * seed,
            f"{start}.k8.gold.nll": 2.0,
            f"{start}.k8.gold.accuracy": accuracy + 0.001 * seed,
            f"{start}.k8.blind_accuracy": 0.2,
        }
        made.append(cell(arm, seed, values))
    return made


def test_a_reading_is_found_under_the_name_that_was_written() -> None:
    names = (GAIN, "bits_per_byte.x", "few_shot.control_map.k8.gold.accuracy", "few_shot.control_map.k8.blind_accuracy")
    assert [reading_of(name, 1.0).name for name in names] == list(names)


@given(st.lists(st.floats(-100, 100), min_size=3, max_size=12))
def test_the_interval_is_students(values: list[float]) -> None:
    found = estimate(values)
    assert found.effect == pytest.approx(np.mean(values))
    if np.std(values) > 1e-9:
        low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
        assert found.interval == pytest.approx((low, high))


@pytest.mark.simulation
def test_an_interval_covers_what_it_says() -> None:
    """Five normal seeds: 95 % of intervals hold the truth, within the error of 4,000 simulations."""
    rng = np.random.default_rng(7)
    intervals = [estimate(rng.normal(1.0, 2.0, 5).tolist()).interval for _ in range(4000)]
    covered = np.mean([low <= 1.0 <= high for low, high in (i for i in intervals if i)])
    assert 0.94 < covered < 0.96


def test_fewer_than_three_seeds_have_no_interval() -> None:
    assert estimate([1.0, 2.0]).interval is None
    with pytest.raises(ValueError, match="finite"):
        estimate([1.0, float("nan")])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_and_keeps_the_order(ps: list[float]) -> None:
    adjusted = holm(ps)
    assert all(a >= p for a, p in zip(adjusted, ps, strict=True))
    order = np.argsort(ps, kind="stable")
    assert list(np.array(adjusted)[order]) == sorted(adjusted)
    assert min(adjusted) == pytest.approx(min(1.0, len(ps) * min(ps)))


@pytest.mark.parametrize("seed", range(5))
def test_holm_says_to_the_last_bit_what_statsmodels_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ps = [*rng.uniform(0, 0.3, seed + 1), *rng.choice([0.0, 0.01, 0.4, 1.0], seed)]
    assert holm(ps) == multipletests(ps, method="holm")[1].tolist()


def test_two_seeds_give_points_and_no_verdict() -> None:
    (verdict,) = judge([Emerges(arm="a")], Measures.of_cells(emerging("a", [5.0, 5.1])))
    assert verdict.outcome == "undecided"
    assert verdict.interval is None
    assert verdict.effect == pytest.approx(5.05)


def test_what_emerges_in_every_seed_is_supported() -> None:
    (verdict,) = judge([Emerges(arm="a")], Measures.of_cells(emerging("a", [5.0, 5.1, 4.8, 5.3, 4.9])))
    assert verdict.outcome == "supported"
    assert verdict.smallest_effect is not None
    assert verdict.smallest_effect < 1


def test_seeds_without_a_gain_do_not_rule_out_a_switch_in_the_next_one() -> None:
    """Five seeds without it leave room for a share of 45 in a hundred with it: `share_emerges` is the claim that counts them."""
    (verdict,) = judge([Emerges(arm="a")], Measures.of_cells(emerging("a", [0.001, -0.002, 0.003, 0.0, -0.001])))
    assert verdict.outcome == "undecided"


def test_better_than_permuted_but_not_than_a_blind_guess_is_undecided() -> None:
    gains = [5.0, 5.1, 4.8, 5.3, 4.9]
    (verdict,) = judge([Emerges(arm="a")], Measures.of_cells(emerging("a", gains, accuracy=0.19)))
    assert verdict.outcome == "undecided"
    assert "blind guess" in verdict.why


def test_lower_bits_per_byte_is_better() -> None:
    small = cells("small", "bits_per_byte.x", [2.0, 2.1, 2.05, 2.2, 2.0])
    large = cells("large", "bits_per_byte.x", [1.5, 1.62, 1.54, 1.71, 1.52])
    claim = SizeEffect(small="small", large="large", measure="bits_per_byte.x")
    back = SizeEffect(small="large", large="small", measure="bits_per_byte.x")
    first, second = judge([claim, back], Measures.of_cells(small + large))
    assert (first.outcome, second.outcome) == ("supported", "contradicted")
    assert first.effect == pytest.approx(-(second.effect or 0))


def test_synergy_is_measured_against_the_best_part() -> None:
    parts = cells("a", "bits_per_byte.x", [2.0, 2.1, 2.0, 2.1, 2.0]) + cells(
        "b", "bits_per_byte.x", [1.0, 1.1, 1.0, 1.1, 1.0]
    )
    mixture = cells("ab", "bits_per_byte.x", [1.4, 1.6, 1.5, 1.5, 1.4])
    (verdict,) = judge(
        [Synergy(mixture="ab", parts=("a", "b"), measure="bits_per_byte.x")], Measures.of_cells(parts + mixture)
    )
    assert verdict.outcome == "contradicted"


def test_a_difference_in_noise_is_undecided() -> None:
    a = cells("a", "bits_per_byte.x", [1.0, 1.3, 0.9, 1.2, 1.1])
    b = cells("b", "bits_per_byte.x", [1.1, 1.2, 1.0, 1.0, 1.2])
    (verdict,) = judge([Differs(arm_a="a", arm_b="b", measure="bits_per_byte.x")], Measures.of_cells(a + b))
    assert verdict.outcome == "undecided"


def test_measures_that_rise_together_go_with_each_other() -> None:
    made = [
        cell(f"a{arm}", seed, {"m.x": arm + 0.1 * seed, "m.y": 2.0 * arm + 0.1 * seed})
        for arm in range(6)
        for seed in range(5)
    ]
    claim = GoesWith(measure_x="m.x", measure_y="m.y")
    (verdict,), (few,) = judge([claim], Measures.of_cells(made)), judge([claim], Measures.of_cells(made[:-1]))
    assert verdict.outcome == "supported"
    assert verdict.effect == pytest.approx(1.0)
    assert verdict.interval is not None
    assert 0 < verdict.interval[0] < 0.9
    assert (few.outcome, few.why) == ("undecided", "no verdict below 5 seeds")


def test_a_claim_whose_cells_are_missing_still_counts_for_holm() -> None:
    """Else a verdict on a half-finished study could be taken back when the rest has run."""
    rng = np.random.default_rng(0)
    made = cells("a", "bits_per_byte.x", rng.normal(1.0, 0.1, 5).tolist())
    made += cells("b", "bits_per_byte.x", rng.normal(1.2, 0.1, 5).tolist())
    asked = Differs(arm_a="a", arm_b="b", measure="bits_per_byte.x")
    later = [Differs(arm_a="a", arm_b=name, measure="bits_per_byte.x") for name in ("c", "d")]
    (alone,), (among, *rest) = judge([asked], Measures.of_cells(made)), judge([asked, *later], Measures.of_cells(made))
    assert among.p_adjusted == pytest.approx(min(1.0, 3 * (alone.p_adjusted or 0)))
    assert [v.p_adjusted for v in rest] == [None, None]


def test_a_score_that_is_the_same_in_every_seed_is_no_certainty() -> None:
    """Two arms that always say one label differ in F1 by a constant; t = infinity would call that proven."""
    made = cells("a", "few_shot.t.k4.gold.macro_f1", [0.34] * 5) + cells("b", "few_shot.t.k4.gold.macro_f1", [0.33] * 5)
    (verdict,) = judge([Differs(arm_a="a", arm_b="b", measure="few_shot.t.k4.gold.macro_f1")], Measures.of_cells(made))
    assert (verdict.outcome, verdict.interval, verdict.p) == ("undecided", None, None)
    assert "same value" in verdict.why


@pytest.mark.parametrize("seed", range(30))
def test_the_p_and_the_interval_of_a_synergy_say_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = [
        each
        for name, mean in (("ab", rng.choice([0.8, 1.0, 1.2])), ("p", 1.0), ("q", 1.05))
        for each in cells(name, "bits_per_byte.x", rng.normal(mean, rng.uniform(0.01, 0.2), 5).tolist())
    ]
    (verdict,) = judge([Synergy(mixture="ab", parts=("p", "q"), measure="bits_per_byte.x")], Measures.of_cells(made))
    assert verdict.interval is not None
    assert verdict.p is not None
    assert (verdict.p < 0.05) == (not verdict.interval[0] <= 0 <= verdict.interval[1])


@pytest.mark.simulation
def test_the_interval_of_a_synergy_covers_the_least_gain_though_the_worst_part_was_chosen() -> None:
    rng = np.random.default_rng(2)
    held = 0
    for values_PS in rng.normal(0.0, 1.0, (800, 4, 5)):
        interval = interval_of_least([estimate(values.tolist()) for values in values_PS])
        assert interval is not None
        held += interval[0] <= 0 <= interval[1]
    assert held / 800 > 0.94


def test_a_missing_cell_fails_its_control() -> None:
    limits = {"glossary": (1.0, None), "chatter": (-0.05, 0.05)}
    made = cells("glossary", GAIN, [9.0, 10.0]) + cells("chatter", GAIN, [0.01])
    outcomes = {o.arm: o.passed for o in check_controls(limits, Measures.of_cells(made), GAIN, 8, 2)}
    assert outcomes == {"glossary": True, "chatter": False}


def test_seeds_of_one_arm_are_no_evidence_on_arms() -> None:
    """Two arms with many seeds would correlate in anything that differs between them."""
    made = [
        cell(f"a{arm}", seed, {"m.x": arm + 0.01 * seed, "m.y": arm - 0.02 * seed})
        for arm in range(2)
        for seed in range(10)
    ]
    (verdict,) = judge([GoesWith(measure_x="m.x", measure_y="m.y")], Measures.of_cells(made))
    assert verdict.outcome == "undecided"


@pytest.mark.simulation
def test_a_mixture_like_its_equal_parts_is_not_contradicted_for_its_luckiest_part() -> None:
    """The part that looks best among many does so by luck; the verdict has to allow for it."""
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(200):
        arms = [
            cells(name, "bits_per_byte.x", rng.normal(1.0, 0.1, 5).tolist()) for name in ("ab", "p0", "p1", "p2", "p3")
        ]
        claim = Synergy(mixture="ab", parts=("p0", "p1", "p2", "p3"), measure="bits_per_byte.x")
        (verdict,) = judge([claim], Measures.of_cells([each for arm in arms for each in arm]))
        wrong += verdict.outcome != "undecided"
    assert wrong <= 16
