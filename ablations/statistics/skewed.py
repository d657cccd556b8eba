"""Intervals of means whose items are skewed, such as losses, or nearly all alike, such as answers that are nearly always right.

Student's interval covers 87 to 93 % of such means where items vary most: docs/statistics.md.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from ablations.statistics.crossed import LEVEL, Array

LEAST_ITEMS = 20  # below, a skewness is mostly noise


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
    if not 0 < share < 1:
        found = stats.binomtest(round(share * items), items).proportion_ci(LEVEL, method="exact")
        return float(found.low), float(found.high)
    odds, reach = math.log(share / (1 - share)), t * error / (share * (1 - share))
    return 1 / (1 + math.exp(reach - odds)), 1 / (1 + math.exp(-reach - odds))
