"""Intervals over seeds x draws x items cover what they say; verdicts are rarely wrong. Full tables: benchmarks/coverage.py."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ablations.statistics.crossed import NAMES, mean_squares, uncertainty
from ablations.statistics.paired import estimate_crossed, smallest_effect
from ablations.statistics.variances import Variances
from benchmarks.simulated_cells import SETTINGS, Setting, coverage, crossed_values
from benchmarks.simulated_verdicts import false_verdicts, power

every_setting = pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
QUICK = 300
# of 300 studies that cover 93 to 97 % in truth, all but one in a thousand lie between these
LEAST, MOST = stats.binom.ppf(0.0005, QUICK, 0.93) / QUICK, stats.binom.ppf(0.9995, QUICK, 0.97) / QUICK


def slow_mean_squares(values: np.ndarray) -> dict[frozenset[str], float]:
    """Effects cell by cell, as a textbook writes them."""
    found = {}
    for effect in mean_squares(values).squares:
        axes = [place for place, name in enumerate(NAMES) if name in effect]
        total = 0.0
        for place in product(*map(range, values.shape)):
            contrast = 0.0
            for kept in product((False, True), repeat=len(axes)):
                chosen = {axis for axis, keep in zip(axes, kept, strict=True) if keep}
                index = tuple(place[axis] if axis in chosen else slice(None) for axis in range(3))
                contrast += (-1) ** (len(axes) - sum(kept)) * values[index].mean()
            total += contrast**2
        found[effect] = total / np.prod([values.shape[axis] - 1 for axis in axes])
    return found


@given(st.tuples(st.integers(2, 4), st.integers(1, 3), st.integers(1, 4)), st.integers(0, 10_000))
@settings(max_examples=25)
def test_mean_squares_are_those_of_the_textbook(shape: tuple[int, int, int], seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=shape)
    found = mean_squares(values).squares
    assert {effect: float(square) for effect, square in found.items()} == pytest.approx(slow_mean_squares(values))


@pytest.mark.simulation
def test_components_come_back_from_many_simulated_studies() -> None:
    truth = Variances(1.0, 0.5, 2.0, 0.3, 0.4, 0.2, 0.7)
    values = crossed_values(Setting("", truth), (400, 10, 8, 12), np.random.default_rng(0))
    found = mean_squares(values).components()
    for effect, variance in truth.parts().items():
        assert float(found[effect].mean()) == pytest.approx(variance, rel=0.15)


@pytest.mark.simulation
@every_setting
@pytest.mark.parametrize("seeds", [5, 3])
def test_intervals_cover_95_percent_wherever_the_variance_lies(setting: Setting, seeds: int) -> None:
    """If this fails, every interval of every report says more or less than it knows."""
    assert LEAST <= coverage(setting, seeds, 10, 200, QUICK, seed=1).covered <= MOST


def test_one_seed_has_no_interval() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        uncertainty(mean_squares(np.random.default_rng(0).normal(size=(1, 4, 5))))


def test_more_items_do_not_make_up_for_few_seeds() -> None:
    """Seeds that differ keep an interval wide, however many questions are asked."""
    rng = np.random.default_rng(3)
    setting = Setting("", Variances(seeds=1.0, answers=1.0))
    few, many = (estimate_crossed(crossed_values(setting, (1, 5, 10, items), rng)[0]).df for items in (10, 2000))
    assert few == pytest.approx(4.0, abs=0.5)
    assert many == pytest.approx(4.0, abs=0.5)


@pytest.mark.parametrize(("df", "alpha"), [(4.0, 0.05), (4.0, 0.01), (11.3, 0.05), (500.0, 0.007)])
def test_the_smallest_effect_is_found_four_times_in_five(df: float, alpha: float) -> None:
    rng = np.random.default_rng(0)
    effect = smallest_effect(1.0, df, alpha)
    t = (rng.normal(size=40_000) + effect) / np.sqrt(rng.chisquare(df, 40_000) / df)
    assert np.mean(t > stats.t.ppf(1 - alpha / 2, df)) == pytest.approx(0.8, abs=0.01)


@pytest.mark.simulation
def test_a_stated_smallest_effect_is_seen_with_a_chance_of_80_percent() -> None:
    for setting in (SETTINGS[0], SETTINGS[2], SETTINGS[6]):
        assert 0.72 < power(setting, 5, 10, 200, QUICK, claims=6).found < 0.88


@pytest.mark.simulation
def test_false_verdicts_of_a_study_where_nothing_is_there_are_rare() -> None:
    """60 studies of six claims: below 5 % in truth gives more than 9 wrong ones in less than one of a thousand runs."""
    found = false_verdicts(SETTINGS[0].variances, 5, 4, 20, 60)
    assert found.any_wrong * 60 <= 9
