"""The order that puts the query's nearest neighbours next to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ablations.prompts.orders.base import Order
from ablations.prompts.selections.draws import Draw


class SimilarLast(Order):
    """The most similar to the query stands last."""

    kind: ClassVar[str] = "similar_last"
    looks_at_query: ClassVar[bool] = True

    def orders(self, chosen: Sequence[int], draw: Draw) -> list[list[int]]:
        return [sorted(chosen, key=lambda place: (draw.near[place], -draw.rank[place]))]
