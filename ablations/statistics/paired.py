"""The mean of paired differences with an interval, and what the design could have seen.

Cells of different arms with the same seed number are pairs, so a claim rests on one difference a seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEAST_FOR_INTERVAL = 3  # below, an interval promises what it cannot keep
LEAST_FOR_VERDICT = 5
POWER = 0.8


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        effect: the mean.
        n: seeds.
        interval: Student's t interval, None below 3 seeds.
        p: two-sided, of a mean of zero; None below 3 seeds.
        smallest_effect: what a repetition of this design would find with a chance of 80 %; None below 3 seeds.
    """

    effect: float
    n: int
    interval: tuple[float, float] | None = None
    p: float | None = None
    smallest_effect: float | None = None


def estimate(values: Sequence[float], level: float = 0.95) -> Estimate:
    """Mean of one value a seed with a t interval over seeds.

    A percentile bootstrap over so few seeds covers far less than it says (84 % for 95 % at five), so it is not used.

    Raises:
        ValueError: no values, or one that is not finite.
    """
    if not values or not all(math.isfinite(value) for value in values):
        raise ValueError(f"need finite values, one a seed, got {list(values)}")
    array = np.asarray(values, np.float64)
    n, mean = len(array), float(array.mean())
    if n < LEAST_FOR_INTERVAL:
        return Estimate(mean, n)
    error = float(array.std(ddof=1)) / math.sqrt(n)
    if error == 0:  # all seeds agree to the last bit: no spread was seen, so none can be stated
        return Estimate(mean, n, (mean, mean), 1.0 if mean == 0 else 0.0, 0.0)
    reach = float(stats.t.ppf((1 + level) / 2, n - 1))
    p = float(stats.ttest_1samp(array, 0.0).pvalue)
    smallest = (reach + float(stats.t.ppf(POWER, n - 1))) * error
    return Estimate(mean, n, (mean - reach * error, mean + reach * error), p, smallest)
