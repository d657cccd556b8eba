"""When a measure leaves its baseline: known change points, found, and covered as often as the interval says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablations.statistics.onset import Onset, onset

STEP = 100_000
EVENLY = STEP * np.arange(14)


@pytest.mark.parametrize(
    ("levels", "after", "at", "by"),
    [([0, 0, 0], 20, None, None), ([0, 1, 1], 0, 5, 10), ([0, 1, 0], 20, None, None), ([1, 0, 1], 10, 15, 20)],
)
def test_of_few_points_the_onset_is_the_gap_of_the_last_crossing(levels, after: int, at, by) -> None:
    found = onset([(10 * i, level) for i, level in enumerate(levels)], 0.5)
    assert (found.after_tokens, found.at_tokens, found.by_tokens) == (after, at, by)


@pytest.mark.parametrize("points", [1, 3, 14])
def test_a_curve_above_the_threshold_from_the_start_has_its_onset_there(points: int) -> None:
    found = onset([(10 * i, 1.0) for i in range(points)], 0.5)
    assert (found.after_tokens, found.at_tokens, found.by_tokens) == (0, 0, 0)


@pytest.mark.parametrize("place", range(1, 13))
def test_a_step_without_noise_is_placed_in_its_own_gap(place: int) -> None:
    curve = [(int(tokens), float(i >= place)) for i, tokens in enumerate(EVENLY)]
    found = onset(curve, 0.5)
    assert EVENLY[max(0, place - 2)] <= found.after_tokens <= EVENLY[place - 1]
    assert found.by_tokens == EVENLY[place]
    assert EVENLY[place - 1] < found.at_tokens < EVENLY[place]


def test_the_change_point_is_where_the_rise_begins_not_where_it_crosses_the_level() -> None:
    """A slow rise crosses any level late; two arms that differ in height only would then differ in onset."""
    tokens = np.arange(1, 30) * STEP
    rise = np.clip(np.log(tokens / (10 * STEP)), 0, None)
    low, high = (onset(list(zip(tokens.tolist(), height * rise, strict=True)), 0.5) for height in (1.0, 50.0))
    assert low.at_tokens == pytest.approx(10 * STEP, rel=0.05)
    assert low.at_tokens == high.at_tokens


def test_a_curve_that_ends_below_its_level_is_censored_at_the_end_of_the_run() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, len(EVENLY))
    found = onset(list(zip(EVENLY.tolist(), noise, strict=True)), 0.5)
    assert found == Onset(0.5, EVENLY[-1], None, None)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=2, max_size=20), st.booleans())
def test_an_interval_holds_its_estimate_and_at_least_one_gap(values: list[float], from_zero: bool) -> None:
    tokens = (np.arange(len(values)) + (not from_zero)) * 10
    found = onset(list(zip(tokens.tolist(), values, strict=True)), 0.5)
    if found.by_tokens is None:
        assert values[-1] <= 0.5
    elif min(values) <= 0.5:
        assert found.at_tokens is not None
        assert found.after_tokens <= found.at_tokens <= found.by_tokens
        assert found.by_tokens - found.after_tokens >= 10


def simulated(shape, noise, runs, seed):
    """Shares of runs whose interval holds the true change point, and the mean width in gaps."""
    rng = np.random.default_rng(seed)
    hits, widths = [], []
    for _ in range(runs):
        start = rng.uniform(2, 9) * STEP
        x = np.log(np.maximum(EVENLY, STEP / 2) / start)
        values = 4 * shape(x) + rng.normal(0, noise, len(EVENLY))
        found = onset(list(zip(EVENLY.tolist(), values, strict=True)), 0.5)
        if found.by_tokens is not None:
            hits.append(found.after_tokens <= start <= found.by_tokens)
            widths.append((found.by_tokens - found.after_tokens) / STEP)
    return np.mean(hits), np.mean(widths)


SHAPES = {
    "straight": lambda x: np.clip(x / 0.5, 0, 1),
    "step": lambda x: (x > 0).astype(float),
    "saturating": lambda x: 1 - np.exp(-np.clip(x, 0, None) / 0.25),
    "accelerating": lambda x: np.clip(x / 0.5, 0, 1) ** 2,
    "between": lambda x: np.clip(x / 0.5, 0, 1) ** 0.7,  # this sort is not fitted
}


@pytest.mark.simulation
@pytest.mark.parametrize("noise", [0.2, 0.6])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_intervals_cover_the_true_change_point_as_often_as_they_say(shape, noise: float) -> None:
    """Noise of 5 and 15 % of the rise, evaluations as in a cell."""
    covered, width = simulated(shape, noise, runs=120, seed=7)
    assert covered >= 0.89  # 95 % less three standard errors of 120 runs
    assert width < 7


@pytest.mark.simulation
@pytest.mark.parametrize("name", ["straight", "step", "saturating", "accelerating"])
def test_less_noise_gives_narrower_intervals_that_still_cover(name: str) -> None:
    covered, width = simulated(SHAPES[name], 0.02, runs=120, seed=8)
    assert covered >= 0.89
    assert width < 2.5
