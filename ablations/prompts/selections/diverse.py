"""Rows that are like the query and unlike each other."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.prompts.selections.base import Selection
from ablations.prompts.selections.draws import Draw

LOOKED_AT = 4  # times k nearest rows from which diverse ones are taken


class Diverse(Selection):
    """Of the rows nearest to the query those that are unlike each other."""

    kind: ClassVar[str] = "diverse"
    looks_at_query: ClassVar[bool] = True

    def chosen(self, draw: Draw) -> list[int]:
        best = draw.first(draw.nearest(), LOOKED_AT * draw.most)
        if not draw.most:
            return best
        count = len(best) if draw.balanced else draw.most
        spread = spread_out(draw.near[best], draw.among(best), count)
        return draw.first([best[place] for place in spread], draw.most)


def spread_out(near: NDArray[np.float32], among: NDArray[np.float32], count: int) -> list[int]:
    """Places of rows that are similar to the query and unlike each other, best first; nested in `count`.

    Maximal marginal relevance with equal weights: each next row has the largest similarity to the query minus its largest
    similarity to a row already taken. Source: Carbonell and Goldstein 1998, https://doi.org/10.1145/290941.291025.

    Args:
        near: similarity of n rows to the query, shape (n,).
        among: of the rows to each other, shape (n, n).
    """
    chosen: list[int] = []
    closest = np.zeros(len(near), near.dtype)
    left = near.copy()
    for _ in range(min(count, len(near))):
        gain = left - closest if chosen else left
        best = int(gain.argmax())  # the first of equals, that is the one of the better rank
        chosen.append(best)
        left[best] = -np.inf
        closest = np.maximum(closest, among[best])
    return chosen
