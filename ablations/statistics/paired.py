"""An effect with its interval, its p and the smallest effect that the design sees.

Cells of different arms with the same seed number are pairs, so every claim rests on differences: of two arms or of two
conditions, in the same seeds, draws and items. Variances differ between arms more than tenfold and are never pooled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize, stats

from ablations.statistics.crossed import LEVEL, Array, mean_squares, uncertainty
from ablations.statistics.skewed import interval

LEAST_FOR_INTERVAL = 3  # below, an interval covers less than its level
LEAST_FOR_VERDICT = 5
ALPHA = 0.05
POWER = 0.8


@dataclass(frozen=True)
class Estimate:
    """The mean of a contrast.

    Attributes:
        effect: the mean.
        n: seeds.
        interval: at 95 %; None below 3 seeds, and where one value a seed is the same in all.
        p: two-sided, of a mean of zero; None without an interval.
        draws, items: None where the measure has none.
        error: standard error of the mean.
        df: degrees of freedom of its Student's t.
        seed_means: the contrast of each seed.
    """

    effect: float
    n: int
    interval: tuple[float, float] | None = None
    p: float | None = None
    draws: int | None = None
    items: int | None = None
    error: float | None = None
    df: float | None = None
    seed_means: tuple[float, ...] = ()

    def p_of(self, mean: float) -> float | None:
        """Two-sided p of another true mean than zero."""
        if self.error is None or self.df is None:
            return None
        if self.error == 0:  # all answers agree to the last bit: no spread was seen, so none can be stated
            return 1.0 if self.effect == mean else 0.0
        return float(2 * stats.t.sf(abs(self.effect - mean) / self.error, self.df))

    def smallest_effect(self, alpha: float = ALPHA) -> float | None:
        """What a repetition of this design would find at this alpha with a chance of 80 %; None below 3 seeds."""
        if self.error is None or self.df is None:
            return None
        return smallest_effect(self.error, self.df, alpha)


def estimate_crossed(values_SDI: Array, share: bool = False) -> Estimate:
    """Mean of a contrast on S seeds, D draws and I items, shape (S, D, I); see `crossed` and `skewed` for the interval.

    A percentile bootstrap over so few seeds covers far less than its level (84 % for 95 % at five), so it is not used.

    Args:
        share: the values are parts of a share of right answers; where it is left out, that is seen from values that are whole
            numbers of halves, fifths and the like.

    Raises:
        ValueError: no values, or one that is not finite.
    """
    if not values_SDI.size or not np.isfinite(values_SDI).all():
        raise ValueError(f"need finite values of every seed, draw and item, got {values_SDI.tolist()!s:.200}")
    seeds, draws, items = values_SDI.shape
    means = tuple(float(value) for value in values_SDI.mean((1, 2)))
    plain = Estimate(
        effect=float(values_SDI.mean()),
        n=seeds,
        draws=draws if values_SDI[0].size > 1 else None,
        items=items if values_SDI[0].size > 1 else None,
        seed_means=means,
    )
    # a score that is the same in every seed, as of models that always give one label, shows no spread
    alike = values_SDI.size == seeds and np.ptp(values_SDI) == 0
    return plain if seeds < LEAST_FOR_INTERVAL or alike else _with_interval(plain, values_SDI, share)


def _with_interval(plain: Estimate, values_SDI: Array, share: bool) -> Estimate:
    sure = uncertainty(mean_squares(values_SDI))
    error, df = float(sure.error), float(sure.df)
    spread = float(values_SDI.std()) if np.ptp(values_SDI) else 0.0
    if error <= 1e-9 * spread:  # all seeds have the same mean by luck: no less than if all answers were independent
        error = spread / math.sqrt(values_SDI.size)
    t = float(stats.t.ppf((1 + LEVEL) / 2, df))
    found = replace(plain, error=error, df=df, interval=interval(values_SDI, error, t, share))
    return replace(found, p=found.p_of(0.0))


def interval_of_least(parts: Sequence[Estimate]) -> tuple[float, float] | None:
    """At 95 %, of the least of several true means; None if a part has none.

    Its low end is the lowest of all. Its high end allows for choosing: the part that looks worst does so by luck as well, so
    each gets only its share of what may be wrong.
    """
    tail = 1 - (1 - LEVEL) / 2 / len(parts)
    lows, highs = [], []
    for each in parts:
        if each.interval is None or each.error is None or each.df is None:
            return None
        lows.append(each.interval[0])
        highs.append(each.effect + float(stats.t.ppf(tail, each.df)) * each.error)
    return min(lows), min(highs)


def smallest_effect(error: float, df: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """The true mean that a two-sided t test at `alpha` finds with a chance of `power`, by the noncentral t.

    Args:
        error: standard error of the mean; the answer is in its unit.
    """
    if error == 0:
        return 0.0
    critical = float(stats.t.ppf(1 - alpha / 2, df))
    top = 2 * critical + 10
    if df > 1000 or math.isinf(df):
        return error * (critical + float(stats.norm.ppf(power)))
    return error * float(optimize.brentq(lambda shift: float(stats.nct.sf(critical, df, shift)) - power, 0.0, top))
