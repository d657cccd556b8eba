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


@dataclass(frozen=True)
class RankCorrelation:
    """How two numbers rise and fall together.

    Attributes:
        rho: Spearman's, from -1 to 1; None when there are fewer than 4 pairs or one side is constant.
        n: pairs.
        p: two-sided, of no relation; over all orders up to 8 pairs, else by Student's t.
        interval: 95 % by Fisher's z with the error of Bonett and Wright 2000 (https://doi.org/10.1007/BF02294183), rough below 10
            pairs. It treats the pairs as a random sample, which hand-picked corpora are not.
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
    rho = float(np.clip(stats.spearmanr(xs, ys).statistic, -1.0, 1.0))
    p = _exact_p(xs, ys) if n <= EXACT_UP_TO else float(stats.spearmanr(xs, ys).pvalue)
    return RankCorrelation(rho, n, p, _interval(rho, n))


def _exact_p(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Share of all orders of `ys` whose correlation with `xs` is at least as far from zero."""
    left, right = (stats.rankdata(values) - (len(xs) + 1) / 2 for values in (xs, ys))
    orders = np.array(list(permutations(range(len(xs)))))
    sums = np.abs(right[orders] @ left)
    return float(np.mean(sums >= abs(right @ left) - 1e-9))


def _interval(rho: float, n: int) -> tuple[float, float]:
    if abs(rho) == 1.0:
        return rho, rho
    reach = float(stats.norm.ppf(0.975)) * math.sqrt((1 + rho**2 / 2) / (n - 3))
    return math.tanh(math.atanh(rho) - reach), math.tanh(math.atanh(rho) + reach)
