"""The variance components of a contrast, and the effects that a design can see given them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from ablations.statistics.crossed import DRAWS, ITEMS, NAMES, SEEDS, Array, MeanSquares, mean_squares, uncertainty
from ablations.statistics.paired import ALPHA, smallest_effect


@dataclass(frozen=True)
class Variances:
    """Variance components of a contrast, in its squared unit (nats^2, or shares of items squared).

    Args:
        seeds, draws, items: of what a seed, draw or item does to all answers alike.
        seeds_draws, seeds_items, draws_items: of what only a pair of them does.
        answers: of the single answer.
    """

    seeds: float = 0.0
    draws: float = 0.0
    items: float = 0.0
    seeds_draws: float = 0.0
    seeds_items: float = 0.0
    draws_items: float = 0.0
    answers: float = 0.0

    def parts(self) -> dict[frozenset[str], float]:
        """Variance by the factors that it belongs to."""
        pairs = {frozenset(name.split("_")): value for name, value in vars(self).items() if name != "answers"}
        return {**pairs, frozenset(NAMES): self.answers}

    def times(self, factor: float) -> Variances:
        return Variances(**{name: factor * value for name, value in vars(self).items()})

    def plus(self, other: Variances) -> Variances:
        return Variances(**{name: value + getattr(other, name) for name, value in vars(self).items()})

    @classmethod
    def estimated_from(cls, values_SDI: Array) -> Variances:
        """Estimated from values of at least 2 seeds; what a factor of size 1 would do is in the others."""
        components = mean_squares(values_SDI).components()
        names = {effect: name for name, effect in zip(vars(cls()), cls().parts(), strict=True)}
        return cls(**{names[effect]: float(value) for effect, value in components.items()})

    def expected(self, sizes: Mapping[str, int]) -> dict[frozenset[str], float]:
        """Expected mean squares of the effects that a design of these sizes separates."""
        varied = {name for name in NAMES if sizes[name] > 1}
        whole = prod(sizes.values())
        found: dict[frozenset[str], float] = {}
        for effect, value in self.parts().items():
            for seen in [each for each in self.parts() if each <= varied and each <= effect]:
                found[seen] = found.get(seen, 0.0) + value * whole / prod(sizes[name] for name in effect)
        return found


def mean_of(several: Sequence[Variances]) -> Variances:
    """The mean of each component."""
    return Variances(**{name: float(np.mean([getattr(each, name) for each in several])) for name in vars(several[0])})


def planned_effect(variances: Variances, seeds: int, draws: int, items: int, claims: int = 1) -> float:
    """The smallest effect that a design sees with a chance of 80 % after Holm, when these are the true variances."""
    sizes = {SEEDS: seeds, DRAWS: draws, ITEMS: items}
    squares = {effect: np.array(value) for effect, value in variances.expected(sizes).items()}
    df = {effect: int(np.prod([sizes[name] - 1 for name in effect])) for effect in squares}
    sure = uncertainty(MeanSquares(sizes, squares, df))
    return smallest_effect(float(sure.error), float(sure.df), ALPHA / claims)
