"""Spearman's rank correlation of few pairs, with an exact permutation test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from scipy import stats

LEAST_PAIRS = 4  # with three pairs even a perfect order has p = 1/3
EXACT_UP_TO = 8  # 40,320 orders
ALPHA = 0.05


@dataclass(frozen=True)
class RankCorrelation:
    """How two numbers rise and fall together.

    Attributes:
        rho: Spearman's, from -1 to 1; None when there are fewer than 4 pairs or one side is constant.
        n: pairs.
        p: two-sided, of no relation; over all orders up to 8 pairs, else by Student's t.
        interval: 95 % by Fisher's z with the error of Bonett and Wright 2000 (https://doi.org/10.1007/BF02294183), rough below 10
            pairs; reaches zero wherever p is not below 0.05. It treats the pairs as a random sample, which hand-picked corpora
            are not.
    """

    rho: float | None
    n: int
    p: float | None = None
    interval: tuple[float, float] | None = None


def spearman(xs: Sequence[float], ys: Sequence[float]) -> RankCorrelation:
    """Rank correlation of pairs; equal values share their rank."""
    n = len(xs)
    if n < LEAST_PAIRS or len(set(xs)) == 1 or len(set(ys)) == 1:
        return RankCorrelation(None, n)
    # rounded, as five pairs in perfect order come out a hair below 1
    rho = float(np.clip(np.round(stats.spearmanr(xs, ys).statistic, 12), -1.0, 1.0))
    p = _exact_p(xs, ys) if n <= EXACT_UP_TO else float(stats.spearmanr(xs, ys).pvalue)
    low, high = _interval(rho, n)
    # ties make chance orders likelier, which p knows and Fisher's z does not
    return RankCorrelation(rho, n, p, (low, high) if p < ALPHA else (min(low, 0.0), max(high, 0.0)))


def _exact_p(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Share of all orders of `ys` whose correlation with `xs` is at least as far from zero."""
    left, right = (stats.rankdata(values) - (len(xs) + 1) / 2 for values in (xs, ys))
    orders = np.array(list(permutations(range(len(xs)))))
    sums = np.abs(right[orders] @ left)
    return float(np.mean(sums >= abs(right @ left) - 1e-9))


def _interval(rho: float, n: int) -> tuple[float, float]:
    """A perfect order of few pairs is no proof of a perfect relation: its open end is that of half a step below."""
    within = math.copysign(min(abs(rho), 1 - 6 / (n**3 - n)), rho)
    reach = float(stats.norm.ppf(0.975)) * math.sqrt((1 + within**2 / 2) / (n - 3))
    low, high = math.tanh(math.atanh(within) - reach), math.tanh(math.atanh(within) + reach)
    return (-1.0 if rho == -1.0 else low), (1.0 if rho == 1.0 else high)
