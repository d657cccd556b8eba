"""Intervals of means whose items are skewed, such as losses, or nearly all alike, such as answers that are nearly always right.

Student's interval covers 80 to 93 % of such means where items vary most: docs/statistics.md. What is missing is mostly what was
not seen: where a few hard items carry the wrong answers, a sample with too few of them has too small a spread as well. So the end
on the side of the long tail is also taken with one more seed, draw and item that are as extreme as the worst that were seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special, stats

from ablations.statistics.crossed import LEVEL, Array, mean_squares, uncertainty

LEAST_ITEMS = 20  # below, a skewness is mostly noise
FEW_ITEMS = (
    50  # from here on the correction for skewness covers alone, below with one more item as extreme as the worst
)
# Wrong (or right) answers that say as much as independent ones; the usual least number for a normal approximation of a share.
# Source: Parker et al. 2017, National Center for Health Statistics Data Presentation Standards for Proportions.
ENOUGH_RARE = 10
MOST_IN_GROUP = 20  # answers behind one value, where a share is told from its values
SEEDS_AXIS, DRAWS_AXIS, ITEMS_AXIS = range(3)


def interval(values_SDI: Array, error: float, t: float, share: bool = False) -> tuple[float, float]:
    """At 95 %, of the mean of values of shape (S, D, I), from its standard error and the quantile `t` of Student's distribution.

    Args:
        share: the values are parts of a share of right answers, which stays between 0 and 1; else it is seen from them.
    """
    if share or are_shares(values_SDI):
        return _of_share(values_SDI, error, t)
    skew = skewness(values_SDI, error)
    low, high = skewed_interval(float(values_SDI.mean()), error, t, skew)
    if skew and values_SDI.shape[2] < FEW_ITEMS:
        more = _with_one_more(values_SDI, [ITEMS_AXIS], highest=skew > 0)
        wider = max(error, _error(more))
        far = skewed_interval(float(more.mean()), wider, t, skewness(more, wider))
        return (low, max(high, far[1])) if skew > 0 else (min(low, far[0]), high)
    return low, high


def are_shares(values_SDI: Array) -> bool:
    """Whether all values are so many of the same number of answers: 0 or 1, halves of a pair, fifths of a group."""
    if values_SDI.size == len(values_SDI) or values_SDI.min() < -1e-9 or values_SDI.max() > 1 + 1e-9:
        return False
    seen = np.unique(values_SDI)
    return any(np.abs(seen * n - np.round(seen * n)).max() < 1e-9 for n in range(1, MOST_IN_GROUP + 1))


def _of_share(values_SDI: Array, error: float, t: float) -> tuple[float, float]:
    share, items = min(1.0, max(0.0, float(values_SDI.mean()))), values_SDI.shape[ITEMS_AXIS]
    low, high = share_interval(share, error, t, items)
    rare = min(share, 1 - share)
    if not 1e-9 < rare < error * math.sqrt(ENOUGH_RARE):
        return low, high
    more = _with_one_more(values_SDI, [SEEDS_AXIS, DRAWS_AXIS, ITEMS_AXIS], highest=share < 0.5)
    shifted = min(1 - 1e-9, max(1e-9, float(more.mean())))
    far = share_interval(shifted, max(error, _error(more)), t, items)
    return (low, max(high, far[1])) if share < 0.5 else (min(low, far[0]), high)


def _with_one_more(values_SDI: Array, axes: Sequence[int], highest: bool) -> Array:
    """With the most extreme level of each of these axes once more; one that has a single level stays."""
    for axis in axes:
        if values_SDI.shape[axis] > 1:
            means = values_SDI.mean(tuple(each for each in range(3) if each != axis))
            worst = int(means.argmax() if highest else means.argmin())
            values_SDI = np.concatenate([values_SDI, values_SDI.take([worst], axis)], axis)
    return values_SDI


def _error(values_SDI: Array) -> float:
    return float(uncertainty(mean_squares(values_SDI)).error)


def skewness(values_SDI: Array, error: float) -> float:
    """Of the mean, as far as items make it: the third cumulant of a mean of items over its cubed standard error."""
    items = values_SDI.shape[2]
    if items < LEAST_ITEMS or error <= 0:
        return 0.0
    means_I = values_SDI.mean((0, 1))
    third = float(((means_I - means_I.mean()) ** 3).mean())
    return float(third / items**2 / error**3)


def skewed_interval(mean: float, error: float, t: float, skew: float) -> tuple[float, float]:
    """At 95 %, from the quantile `t` of Student's distribution.

    A cubic of the t statistic has no skewness, and is turned back at both ends. Source: Hall 1992,
    https://doi.org/10.1111/j.2517-6161.1992.tb01878.x.
    """
    return mean - error * _turned_back(t, skew), mean - error * _turned_back(-t, skew)


def _turned_back(value: float, skew: float) -> float:
    a = skew / 3
    if abs(a) < 1e-9:
        return value
    return (float(np.cbrt(1 + 3 * a * (value - a / 2))) - 1) / a


def share_interval(share: float, error: float, t: float, items: int) -> tuple[float, float]:
    """At 95 %, of a share of right answers: symmetric in log odds; where all are alike, exact for so many independent items.

    Source: Agresti 2013, Categorical Data Analysis, section 3.2.6 (log odds); Clopper and Pearson 1934,
    https://doi.org/10.1093/biomet/26.4.404.
    """
    if not 1e-9 < share < 1 - 1e-9:
        found = stats.binomtest(round(share * items), items).proportion_ci(LEVEL, method="exact")
        return float(found.low), float(found.high)
    odds, reach = math.log(share / (1 - share)), t * error / (share * (1 - share))
    return float(special.expit(odds - reach)), float(special.expit(odds + reach))
