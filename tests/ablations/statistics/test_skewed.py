"""Intervals of means that are nearly 1, and of skewed losses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ablations.statistics.paired import estimate_crossed
from ablations.statistics.skewed import share_interval, skewed_interval

SEEDS, DRAWS, ITEMS, STUDIES = 5, 10, 200, 1500


def test_without_skewness_the_interval_is_students_and_with_it_the_longer_tail_gets_more() -> None:
    assert skewed_interval(3.0, 0.5, 2.0, 0.0) == (2.0, 4.0)
    low, high = skewed_interval(3.0, 0.5, 2.0, 0.3)
    assert high - 3 > 3 - low, "a mean of skewed items is more often too low"
    mirrored = skewed_interval(-3.0, 0.5, 2.0, -0.3)
    assert mirrored == pytest.approx((-high, -low))


def test_a_share_stays_between_0_and_1_and_where_all_are_right_it_is_that_of_so_many_items() -> None:
    low, high = share_interval(0.99, 0.01, 2.0, 200)
    assert 0.9 < low < 0.99 < high < 1
    assert share_interval(1.0, 0.0, 2.0, 200) == pytest.approx((0.025 ** (1 / 200), 1.0))
    assert share_interval(0.0, 0.0, 2.0, 200)[0] == 0.0


def test_answers_that_are_all_right_have_an_interval_too() -> None:
    interval = estimate_crossed(np.ones((5, 3, 50))).interval
    assert interval is not None
    assert interval[0] == pytest.approx(0.025 ** (1 / 50))


def effects(rng: np.random.Generator, seeds: float, draws: float) -> np.ndarray:
    return np.asarray(rng.normal(0, seeds, (SEEDS, 1, 1)) + rng.normal(0, draws, (1, DRAWS, 1)))


@pytest.mark.simulation
@pytest.mark.parametrize("share", [0.97, 0.99, 0.995])
def test_intervals_of_accuracies_near_1_cover(share: float) -> None:
    """Right where a latent number of item, seed, draw and answer is above a limit; Student's interval covered 95, 93 and 93 %."""
    rng, covered = np.random.default_rng(int(1000 * share)), 0
    limit = stats.norm.ppf(share) * np.sqrt(0.6**2 + 0.1**2 + 0.1**2 + 0.8**2)
    for _ in range(STUDIES):
        latent = limit + effects(rng, 0.1, 0.1) + rng.normal(0, 0.6, ITEMS) + rng.normal(0, 0.8, (SEEDS, DRAWS, ITEMS))
        interval = estimate_crossed((latent > 0).astype(np.float64)).interval
        assert interval
        covered += interval[0] <= share <= interval[1]
    assert 0.93 <= covered / STUDIES <= 0.97


@pytest.mark.simulation
@pytest.mark.parametrize("spread", [1.0, 1.3])
def test_intervals_of_skewed_losses_cover(spread: float) -> None:
    """Log-normal items; Student's interval covered 93 and 91.5 %."""
    rng, covered = np.random.default_rng(int(10 * spread)), 0
    truth = np.exp(spread**2 / 2)
    for _ in range(STUDIES):
        items = np.exp(rng.normal(0, spread, ITEMS))
        interval = estimate_crossed(
            items + effects(rng, 0.05, 0.05) + rng.normal(0, 0.3, (SEEDS, DRAWS, ITEMS))
        ).interval
        assert interval
        covered += interval[0] <= truth <= interval[1]
    assert 0.93 <= covered / STUDIES <= 0.97
