"""When a measure leaves its baseline, in training tokens: a change point with an interval, or censored.

A level decides whether it happened, a fit decides when. The fit is over log tokens: a baseline, from the change point on a rise
(straight, ever faster or ever slower), then a plateau. Two limits of it are a sudden step and a bend without an end. For each
change point the rest is fitted by least squares. Possible are those whose squared error is not above the least by more than
an F test of one parameter allows; the interval ends at the evaluations around them, so it is never narrower than a gap.
Source of such profile intervals: Bates and Watts 1988, Nonlinear Regression Analysis, section 6.1.

Shapes: R sorts of rise, S change points, E ends of a rise, N evaluations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

FITTED = 5  # change point, sort and end of the rise, baseline, plateau
LEAST_POINTS = FITTED + 2
PLACES_A_GAP, ENDS_A_GAP = 6, 4  # change points, and ends of a rise, tried between two evaluations
MISFIT = 0.02  # of the whole rise: no curve rises exactly in one of these ways, however little noise it has
SLOWING = 3.0  # a rise that slows down has reached 95 % where a straight one ends


@dataclass(frozen=True)
class Onset:
    """The onset is between `after_tokens` and `by_tokens` (95 %), most likely at `at_tokens`.

    When it did not happen within the run it is censored: the latter two are null, and `after_tokens` is the length of the run.
    """

    threshold: float
    after_tokens: int
    by_tokens: int | None
    at_tokens: int | None


def onset(curve: Sequence[tuple[int, float]], threshold: float) -> Onset:
    """Change point of a measure that rises from a baseline.

    Args:
        curve: (training tokens, measure), in order; at least one point.
        threshold: in the measure's unit. The onset happened if the last point is above it.

    Returns:
        The interval and the estimate. A curve that is above the threshold from its first point on has its onset there. Below seven
        points nothing can be fitted: then the interval is the gap in which the curve crossed the threshold for good.
    """
    tokens = np.array([place for place, _ in curve], np.float64)
    values = np.array([value for _, value in curve], np.float64)
    below = np.flatnonzero(values <= threshold)
    if values[-1] <= threshold:
        return Onset(threshold, int(tokens[-1]), None, None)
    if len(below) == 0:
        first = int(tokens[0])
        return Onset(threshold, first, first, first)
    low, at, high = _change_point(tokens, values) or _crossing(tokens, int(below[-1]))
    return Onset(threshold, round(low), round(high), round(at))


def _crossing(tokens: Floats, last_below: int) -> tuple[float, float, float]:
    low, high = float(tokens[last_below]), float(tokens[last_below + 1])
    return low, (low + high) / 2, high


def _change_point(tokens: Floats, values: Floats) -> tuple[float, float, float] | None:
    """Low, estimate and high in tokens; None when there are too few points or nothing rises."""
    if len(tokens) < LEAST_POINTS:
        return None
    x = _log(tokens)
    places = _between(x, PLACES_A_GAP)
    error = _profile(x, values, places)
    least = float(error.min())
    if not np.isfinite(least):
        return None
    freedom = len(x) - FITTED
    height = float(np.ptp(values))
    variance = max(least / freedom, (MISFIT * height) ** 2)
    best = places[error <= least + 1e-9 * height**2]
    possible = places[error <= least + float(stats.t.ppf(0.975, freedom)) ** 2 * variance]
    at = float(np.median(best))
    first = int(np.searchsorted(x, possible[0], side="right")) - 1
    last = int(np.searchsorted(x, possible[-1], side="left"))
    return float(tokens[first]), float(np.interp(at, x, tokens)), float(tokens[max(last, first + 1)])


def _log(tokens: Floats) -> Floats:
    """Logarithms; a start at 0 tokens is put one doubling before the next point."""
    return np.log(np.where(tokens > 0, tokens, tokens[1] / 2))


def _profile(x: Floats, values: Floats, places: Floats) -> Floats:
    """Of each change point, the least squared error over rises, baselines and higher plateaus; infinite where nothing rises."""
    starts_S11, ends_1E1 = places[:, None, None], _between(x, ENDS_A_GAP)[None, :, None]
    with np.errstate(divide="ignore", invalid="ignore"):  # ends that are no ends are left out below
        risen_SEN = np.maximum((x - starts_S11) / (ends_1E1 - starts_S11), 0.0)
        straight_SEN = np.minimum(risen_SEN, 1.0)
        shapes_RSEN = np.stack([straight_SEN, straight_SEN**2, 1.0 - np.exp(-SLOWING * risen_SEN)])
    shapes_RSEN[:, (ends_1E1 <= starts_S11)[:, :, 0]] = 0.0
    shapes_RSEN -= shapes_RSEN.mean(-1, keepdims=True)
    centred = values - values.mean()
    power_RSE, product_RSE = (shapes_RSEN**2).sum(-1), shapes_RSEN @ centred
    rises = (power_RSE > 1e-12) & (product_RSE > 0)
    explained_RSE = np.where(rises, product_RSE**2 / np.where(rises, power_RSE, 1.0), -np.inf)
    error_S: Floats = np.maximum((centred @ centred) - explained_RSE.max((0, 2)), 0.0)
    return error_S


def _between(x: Floats, a_gap: int) -> Floats:
    """The places of the evaluations and as many more as make `a_gap` steps of each gap."""
    return np.unique(np.concatenate([np.linspace(a, b, a_gap + 1) for a, b in pairwise(x)]))
