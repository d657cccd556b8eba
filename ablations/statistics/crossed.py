"""The mean of a contrast that was measured on seeds x draws x items, fully crossed, and its uncertainty.

All three are random for a claim: it is about the next training run, the next choice of demonstrations and the next question,
not about those that happened to be used. Arms are fixed. So the mean's variance has a part of every factor and of every
set of them, and more answers do not make up for few seeds.

Shapes: S seeds, D draws of demonstrations, I items; a factor that a measure does not have is of size 1. Everything here takes
any number of leading axes (studies), so that a simulation runs the same code that judges a study.

Sources: Cornfield and Tukey 1956, https://doi.org/10.1214/aoms/1177728067 (expected mean squares of crossed designs);
Satterthwaite 1946, https://doi.org/10.2307/3002019; Cochran and Cox 1957, Experimental Designs, section 4.14 (weighted quantile).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import prod

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
Effect = frozenset[str]  # the factors that it is made of

SEEDS, DRAWS, ITEMS = NAMES = ("seeds", "draws", "items")
LEVEL = 0.95
# Both were chosen by simulation (docs/statistics.md), so that coverage stays near 95 % whichever factor varies most.
KEPT_ABOVE = 0.5  # of its standard error: a smaller shared part counts as none, as cutting at zero makes it too large
TOWARDS_COCHRAN = 0.4  # with 3 seeds Satterthwaite alone covers 92 % at worst, Cochran's quantile alone 98 %


@dataclass(frozen=True)
class MeanSquares:
    """Mean squares of all effects that a design separates.

    Attributes:
        sizes: levels of each factor.
        squares: effect -> its mean square, shape (...).
        df: effect -> degrees of freedom.
    """

    sizes: Mapping[str, int]
    squares: Mapping[Effect, Array]
    df: Mapping[Effect, int]

    def components(self) -> dict[Effect, Array]:
        """Variance components in squared units of the contrast; those estimated below zero are zero."""
        components: dict[Effect, Array] = {}
        for effect in self.squares:
            above = [other for other in self.squares if other >= effect]
            signed = np.sum([(-1) ** len(other - effect) * self.squares[other] for other in above], axis=0)
            components[effect] = (
                np.maximum(signed, 0.0) * prod(self.sizes[name] for name in effect) / prod(self.sizes.values())
            )
        return components


@dataclass(frozen=True)
class Uncertainty:
    """Of a grand mean, each of shape (...): its standard error, and the degrees of freedom of its Student's t."""

    error: Array
    df: Array


def mean_squares(values_SDI: Array) -> MeanSquares:
    """Analysis of variance of complete crossed values, shape (..., S, D, I)."""
    sizes = dict(zip(NAMES, values_SDI.shape[-3:], strict=True))
    centred = values_SDI - values_SDI.mean((-3, -2, -1), keepdims=True)
    raw: dict[Effect, Array] = {}
    for effect in _effects(sizes):
        others = tuple(place - 3 for place, name in enumerate(NAMES) if name not in effect)
        means = centred.mean(others, keepdims=True) if others else centred
        size = prod(sizes[name] for name in effect)
        raw[effect] = np.square(means).sum((-3, -2, -1)) * (prod(sizes.values()) / size)
    squares, df = {}, {}
    for effect in raw:
        inside = [other for other in raw if other <= effect]
        own = np.sum([(-1) ** len(effect - other) * raw[other] for other in inside], axis=0)
        df[effect] = prod(sizes[name] - 1 for name in effect)
        squares[effect] = np.maximum(own, 0.0) / df[effect]
    return MeanSquares(sizes, squares, df)


def _effects(sizes: Mapping[str, int]) -> Iterator[Effect]:
    varied = [name for name in NAMES if sizes[name] > 1]
    for size in range(1, len(varied) + 1):
        yield from map(frozenset, combinations(varied, size))


def uncertainty(anova: MeanSquares) -> Uncertainty:
    """The uncertainty of the grand mean; needs at least 2 seeds.

    Its variance is that of a mean over seeds (the mean square of seeds) and a part that all seeds share because they see
    the same draws and items. The quantile of Student's t is between Satterthwaite's and Cochran's.

    Raises:
        ValueError: one seed, which does not show how far seeds differ.
    """
    seeds = frozenset({SEEDS})
    if seeds not in anova.squares:
        raise ValueError("one seed does not show the spread of seeds; give at least 2")
    own, own_df = anova.squares[seeds], anova.df[seeds]
    shared, noise = _shared(anova)
    shared = np.where(shared > KEPT_ABOVE * np.sqrt(2 * noise), shared, 0.0)
    whole = own + shared
    with np.errstate(divide="ignore", invalid="ignore"):
        satterthwaite = whole**2 / (own**2 / own_df + np.where(shared > 0, noise, 0.0))
        shared_df = np.where(shared > 0, shared**2 / noise, np.inf)
        weight = np.where(whole > 0, own / whole, 1.0)
    least = min(df for effect, df in anova.df.items() if len(effect) == 1)
    tail = (1 + LEVEL) / 2
    cochran = weight * stats.t.ppf(tail, own_df) + (1 - weight) * stats.t.ppf(tail, np.maximum(shared_df, least))
    mild = stats.t.ppf(tail, np.maximum(np.where(whole > 0, satterthwaite, own_df), least))
    df = np.where(shared > 0, _df_of((1 - TOWARDS_COCHRAN) * mild + TOWARDS_COCHRAN * cochran), own_df)
    return Uncertainty(np.sqrt(whole / prod(anova.sizes.values())), df)


def _shared(anova: MeanSquares) -> tuple[Array, Array]:
    """What draws and items add to the seeds' mean square, and half the variance of that estimate."""
    parts, noise = [np.zeros(())], [np.zeros(())]
    for effect in anova.squares:
        if SEEDS not in effect:
            alone, crossed = anova.squares[effect], anova.squares[effect | {SEEDS}]
            parts.append((-1) ** (len(effect) + 1) * (alone - crossed))
            noise += [alone**2 / anova.df[effect], crossed**2 / anova.df[effect | {SEEDS}]]
    return np.sum(np.broadcast_arrays(*parts), axis=0), np.sum(np.broadcast_arrays(*noise), axis=0)


def _df_of(quantile: Array) -> Array:
    """The degrees of freedom at which Student's t has this quantile, by interpolation; 10,000 for a normal one."""
    inverse, quantiles = _quantiles()
    return 1 / np.interp(quantile, quantiles, inverse)


@cache
def _quantiles() -> tuple[Array, Array]:
    inverse = np.linspace(1e-4, 1.0, 20_000)
    return inverse, np.asarray(stats.t.ppf((1 + LEVEL) / 2, 1 / inverse), np.float64)
