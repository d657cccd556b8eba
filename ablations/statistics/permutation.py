"""Exact permutation tests over seeds, and the smallest p that they can give.

Two tests fit two arms. Flipping signs: seeds are pairs, so under the null each seed's difference could as well have the other
sign; it holds whatever the pairs share, and 5 pairs reach p = 0.0625 only. Exchanging cells: any n of the 2n cells could have been
the first arm's; 5 against 5 reach 0.0079. It takes cells for independent, and errs to the safe side when a shared seed
makes two cells alike. Neither sees draws and items, so both are about seeds alone; they are reported with the verdict's own test.

Source: Phipson and Smyth 2010, https://doi.org/10.2202/1544-6115.1585 (an exact p is never zero).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np

MOST_EXACT = 200_000  # rearrangements that are all gone through; above, as many are drawn


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p of no difference, over all signs of one difference a seed."""
    from scipy.stats import permutation_test

    found = permutation_test(
        (np.asarray(differences, np.float64),),
        np.mean,
        permutation_type="samples",
        n_resamples=MOST_EXACT,
        rng=np.random.default_rng(0),
    )
    return float(found.pvalue)


def exchange_p(one: Sequence[float], other: Sequence[float]) -> float:
    """Two-sided p of equal distributions, over all ways to deal the cells out to two arms."""
    from scipy.stats import permutation_test

    found = permutation_test(
        (np.asarray(one, np.float64), np.asarray(other, np.float64)),
        lambda a, b: np.mean(a) - np.mean(b),
        permutation_type="independent",
        n_resamples=MOST_EXACT,
        rng=np.random.default_rng(0),
    )
    return float(found.pvalue)


def least_sign_flip_p(seeds: int) -> float:
    """What sign flips reach at best: 0.0625 with 5 seeds, 0.031 with 6."""
    return min(1.0, 2.0 ** (1 - seeds))


def least_exchange_p(seeds: int) -> float:
    """What exchanges reach at best with so many seeds in each of two arms: 0.10 with 3, 0.0079 with 5, 0.0022 with 6."""
    return min(1.0, 2.0 / comb(2 * seeds, seeds))
