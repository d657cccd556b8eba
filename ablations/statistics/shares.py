"""Exact statements on the share of seeds in which something happened, and on when it happened."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ablations.statistics.crossed import LEVEL

MOST_EXCHANGES = 50_000  # of cells between two arms that are counted out; above, as many hashed ones are drawn


@cache
def share_interval(happened: int, n: int) -> tuple[float, float]:
    """Of a share, at 95 %. Source: Clopper and Pearson 1934, https://doi.org/10.1093/biomet/26.4.404."""
    tail = (1 - LEVEL) / 2
    low = float(stats.beta.ppf(tail, happened, n - happened + 1)) if happened else 0.0
    high = float(stats.beta.ppf(1 - tail, happened + 1, n - happened)) if happened < n else 1.0
    return low, high


@cache
def share_p(happened: int, n: int, share: float) -> float:
    """Two-sided p of a true share: twice the smaller tail, so that it agrees with `share_interval`."""
    below, above = stats.binom.cdf(happened, n, share), stats.binom.sf(happened - 1, n, share)
    return float(min(1.0, 2 * min(below, above)))


def least_share_p(n: int, share: float) -> float:
    """The smallest p that a share above this one can reach with n seeds."""
    return min(1.0, 2 * share**n)


@cache
def difference_p(a: int, n_a: int, b: int, n_b: int) -> float:
    """Two-sided p of equal shares. Source: Fisher 1934, Statistical Methods for Research Workers, section 21.02."""
    return float(stats.fisher_exact(np.array([[a, n_a - a], [b, n_b - b]])).pvalue)


@cache
def difference_interval(a: int, n_a: int, b: int, n_b: int) -> tuple[float, float]:
    """Of one share minus another, at 95 %: Wilson's intervals joined.

    Source: Newcombe 1998, Statistics in Medicine 17, method 10.
    """
    p, q = a / n_a, b / n_b
    (low_p, high_p), (low_q, high_q) = _wilson(a, n_a), _wilson(b, n_b)
    return (
        p - q - math.hypot(p - low_p, high_q - q),
        p - q + math.hypot(high_p - p, q - low_q),
    )


@cache
def _wilson(happened: int, n: int) -> tuple[float, float]:
    found = stats.binomtest(happened, n).proportion_ci(LEVEL, method="wilson")
    return float(found.low), float(found.high)


def log_rank_p(a: Sequence[float], b: Sequence[float], limit: float) -> float:
    """Two-sided p of onsets with one distribution, by exchanging cells between the arms.

    Args:
        a, b: onsets in tokens; infinity, or more than `limit`, where none was seen within it.
        limit: the shortest run.

    Source of the statistic: Mantel 1966, Cancer Chemotherapy Reports 50; of its exact use, Heinze et al. 2003,
    https://doi.org/10.1111/j.0006-341X.2003.00139.x.
    """
    onsets = np.array([*a, *b], np.float64)
    times = np.unique(onsets[onsets <= limit])
    if not len(times):
        return 1.0
    at_risk_TN = onsets >= times[:, None]
    events_TN = onsets == times[:, None]
    expected_T = events_TN.sum(1) / at_risk_TN.sum(1)
    scores_N = events_TN.sum(0) - (at_risk_TN * expected_T[:, None]).sum(0)
    observed = abs(float(scores_N[: len(a)].sum()))
    sums = np.abs(_exchanges(len(onsets), len(a)) @ scores_N)
    return float((sums >= observed - 1e-9).mean())


@cache
def _exchanges(cells: int, of_a: int) -> NDArray[np.float64]:
    """1 for the cells that are taken for the first arm's, shape (exchanges, cells)."""
    if math.comb(cells, of_a) <= MOST_EXCHANGES:
        chosen = np.array(list(combinations(range(cells), of_a)))
    else:
        rng = np.random.default_rng(0)
        drawn = [rng.permutation(cells)[:of_a] for _ in range(MOST_EXCHANGES)]
        chosen = np.array([np.arange(of_a), *drawn])
    taken = np.zeros((len(chosen), cells))
    np.put_along_axis(taken, chosen, 1.0, 1)
    return taken


def restricted_difference(
    a: Sequence[float], b: Sequence[float], limit: float
) -> tuple[float, tuple[float, float] | None]:
    """How many tokens earlier the onsets of a are on average, none counting as later than `limit`, with Welch's interval at 95 %.

    Source of restricted means: Royston and Parmar 2013, https://doi.org/10.1186/1471-2288-13-152.
    """
    first, second = (np.minimum(np.array(each, np.float64), limit) for each in (a, b))
    effect = float(second.mean() - first.mean())
    parts = [float(each.var(ddof=1)) / len(each) if len(each) > 1 else 0.0 for each in (first, second)]
    if min(len(first), len(second)) < 2 or not sum(parts):
        return effect, (effect, effect) if effect else None
    sizes = len(first) - 1, len(second) - 1
    df = sum(parts) ** 2 / sum(part**2 / size for part, size in zip(parts, sizes, strict=True))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, df)) * math.sqrt(sum(parts))
    return effect, (effect - reach, effect + reach)
