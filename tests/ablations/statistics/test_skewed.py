"""Intervals of means that are nearly 1, and of skewed losses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from ablations.statistics.contrast import grouped
from ablations.statistics.paired import estimate_crossed
from ablations.statistics.skewed import are_shares, share_interval, skewed_interval

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


@pytest.mark.parametrize("right", [0.5, 0.0])
def test_a_share_of_pairs_or_groups_never_leaves_0_to_1(right: float) -> None:
    """Values that are not 0 or 1 were taken for losses, and an accuracy reached 1.0006."""
    values = np.ones((5, 1, 100))
    values[0, 0, 0] = right
    for block, truth in ((values, 0.999), (1 - values, 0.001)):
        interval = estimate_crossed(block).interval
        assert interval is not None
        assert 0 <= interval[0] < truth < interval[1] <= 1


def test_an_interval_of_a_share_and_that_of_its_complement_are_mirrored() -> None:
    rng = np.random.default_rng(0)
    right = (rng.random((5, 4, 40)) < rng.beta(5, 0.3, 40)).astype(np.float64)
    one, other = (estimate_crossed(block).interval for block in (right, 1 - right))
    assert one is not None
    assert other is not None
    assert one == pytest.approx((1 - other[1], 1 - other[0]))


def test_a_share_in_groups_of_unequal_sizes_is_told_to_be_one() -> None:
    """What such a group adds to the mean may lie beyond 1, so its values do not say that they are shares."""
    groups = ["a"] * 7 + [f"g{item % 9}" for item in range(33)]
    right = np.ones((5, 3, 40))
    right[:2, :, 0] = 0
    blocks = np.stack([grouped(groups, block)[1] for block in right])
    assert not are_shares(blocks)
    interval = estimate_crossed(blocks, share=True).interval
    assert interval is not None
    assert 0 < interval[0] < right.mean() < interval[1] < 1


def test_losses_and_gains_are_no_shares() -> None:
    rng = np.random.default_rng(1)
    assert not are_shares(rng.random((5, 10, 20)))
    assert not are_shares(rng.integers(-1, 2, (5, 10, 20)).astype(np.float64))
    assert not are_shares(np.ones((5, 1, 1))), "one value a seed is no answer"


def effects(rng: np.random.Generator, seeds: float, draws: float) -> np.ndarray:
    return np.asarray(rng.normal(0, seeds, (SEEDS, 1, 1)) + rng.normal(0, draws, (1, DRAWS, 1)))


# Standard deviations of seed, draw, item, seed by draw, seed by item and answer, on the scale of a latent normal number.
MIXES = {
    "all vary": (0.1, 0.1, 0.6, 0.0, 0.0, 0.8),
    "items dominate": (0.2, 0.2, 1.5, 0.0, 0.0, 0.5),
    "draws dominate": (0.1, 0.5, 0.5, 0.0, 0.0, 0.7),
    "answers dominate": (0.05, 0.05, 0.3, 0.0, 0.0, 1.0),
    "seeds meet items": (0.1, 0.1, 0.5, 0.0, 0.8, 0.4),
    "seeds meet draws": (0.1, 0.2, 0.5, 0.4, 0.0, 0.8),
}
SEEDS_VARY = (0.5, 0.1, 0.5, 0.0, 0.0, 0.7)


def right_answers(share: float, mix: Sequence[float], groups: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Shares of right answers in groups of one size, shape (seeds, draws, groups): an answer is right where its number exceeds a
    limit. Items of a group share its difficulty and have a third of its spread of their own."""
    seeds, draws, difficulty, met, by_item, answer = mix
    own = difficulty / 3 if size > 1 else 0.0
    items = groups * size
    limit = stats.norm.ppf(share) * np.sqrt(np.sum(np.square([*mix, own])))
    latent = limit + effects(rng, seeds, draws) + np.repeat(rng.normal(0, difficulty, groups), size)
    latent = latent + rng.normal(0, own, items) + rng.normal(0, met, (SEEDS, DRAWS, 1))
    latent = latent + rng.normal(0, by_item, (SEEDS, 1, items)) + rng.normal(0, answer, (SEEDS, DRAWS, items))
    return np.asarray((latent > 0).reshape(SEEDS, DRAWS, groups, size).mean(3))


def covered(share: float, mix: Sequence[float], groups: int, size: int) -> float:
    rng, held = np.random.default_rng(int(1000 * share) + size), 0
    for _ in range(STUDIES):
        interval = estimate_crossed(right_answers(share, mix, groups, size, rng)).interval
        assert interval
        assert 0 <= interval[0] < interval[1] <= 1
        held += interval[0] <= share <= interval[1]
    return held / STUDIES


@pytest.mark.simulation
@pytest.mark.parametrize("share", [0.97, 0.99, 0.995])
@pytest.mark.parametrize("mix", MIXES)
def test_intervals_of_accuracies_near_1_cover(share: float, mix: str) -> None:
    """Symmetric in log odds alone they covered 87 % where items dominate; with one more of the worst always, 98 where all vary."""
    assert 0.93 <= covered(share, MIXES[mix], ITEMS, 1) <= 0.98


@pytest.mark.simulation
@pytest.mark.parametrize("share", [0.97, 0.99, 0.995])
@pytest.mark.parametrize("size", [2, 5, 10])
def test_intervals_of_accuracies_in_groups_cover(share: float, size: int) -> None:
    """Taken for losses they covered 89 % in groups of ten, and went beyond 1."""
    assert 0.93 <= covered(share, MIXES["all vary"], ITEMS // size, size) <= 0.98


@pytest.mark.simulation
@pytest.mark.parametrize("share", [0.97, 0.99, 0.995])
def test_where_five_seeds_vary_most_intervals_of_accuracies_cover_less(share: float) -> None:
    """Shares of wrong answers differ fivefold between seeds; in log odds alone these covered 87 %: docs/statistics.md says so."""
    assert 0.9 <= covered(share, SEEDS_VARY, ITEMS, 1) <= 0.98


@pytest.mark.simulation
@pytest.mark.parametrize("groups", [20, 40])
def test_intervals_of_skewed_losses_in_few_groups_cover(groups: int) -> None:
    """Log-normal groups; with the correction for skewness alone 20 covered 91 %, Student's 86 %."""
    rng, held = np.random.default_rng(groups), 0
    for _ in range(STUDIES):
        losses = np.exp(rng.normal(0, 1, groups)) + rng.normal(0, 0.1, groups)
        values = losses + effects(rng, 0.05, 0.05) + rng.normal(0, 0.1, (SEEDS, DRAWS, groups))
        interval = estimate_crossed(values).interval
        assert interval
        held += interval[0] <= np.exp(0.5) <= interval[1]
    assert 0.93 <= held / STUDIES <= 0.97


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
