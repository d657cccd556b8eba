"""How sharply attention can point by position alone: whether a head that looks at the token before can exist in a shape.

A head whose queries and keys do not depend on their tokens has, under rotary positions, the logit

    L(d) = sharpness * Re(sum_i z_i exp(i speed_i d))

for a token d places back, where z_i, the product of query and key in pair i, may be any complex numbers with sum |z_i| <= 1:
queries and keys are normalised, and by Cauchy and Schwarz no more of them than all can lie in the pairs. The logarithm of the
attention to d = 1 is concave in z, so the largest can be found, with a bound on what is missing (Frank and Wolfe 1956, Naval
Research Logistics Quarterly 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 0.01  # nats of attention, so a hundredth of it
STEPS = 3000
HALVINGS = 40  # of the search along a line

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sharpest:
    """The largest attention to the token before, a hundredth too low at most, and the products z that give it, by pair."""

    attention: float
    products: NDArray[np.complex128]


@cache
def sharpest_rotary(speeds: tuple[float, ...], context: int, sharpness: float) -> Sharpest:
    """What rotary positions can do among `context` tokens.

    Args:
        speeds: radians a token of each pair of dimensions.
        sharpness: the largest logit, in nats.
    """
    waves = np.exp(1j * np.outer(np.arange(context), speeds))
    behind = sharpness * (waves - waves[1])  # how far each token's logit is above that of the token before, by pair
    excess, products = np.zeros(context), np.zeros(len(speeds), np.complex128)
    for _ in range(STEPS):
        uphill = -(_shares(excess) @ behind)
        pair = int(np.abs(uphill).argmax())
        turn = np.conj(uphill[pair]) / abs(uphill[pair])
        direction = np.real(behind[:, pair] * turn) - excess
        gap = -float(_shares(excess) @ direction)
        if gap < TOLERANCE:
            break
        share = _best_share(excess, direction)
        excess, products = excess + share * direction, (1 - share) * products
        products[pair] += share * turn
    return Sharpest(float(_shares(excess)[1]), products)


def _shares(excess: Floats) -> Floats:
    weights = np.exp(excess - excess.max())
    return np.asarray(weights / weights.sum())


def _best_share(excess: Floats, direction: Floats) -> float:
    """How far to go, 0 to 1: the sum of exponentials is convex on the way, so its slope is searched for zero."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        rising = float(_shares(excess + middle * direction) @ direction) > 0
        low, high = (low, middle) if rising else (middle, high)
    return (low + high) / 2
