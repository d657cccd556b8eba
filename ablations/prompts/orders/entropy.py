"""Several orders, among which the model itself chooses.

Source: Lu et al. 2021, https://arxiv.org/abs/2104.08786, who choose among orders by the entropy of predicted labels.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from ablations.core.data.hashing import key_of
from ablations.prompts.orders.base import Order
from ablations.prompts.selections.draws import Draw

ORDERS_TRIED = 8


class Entropy(Order):
    """Of several orders the one in which the model's answers are spread most evenly over the labels."""

    kind: ClassVar[str] = "entropy"
    chosen_by_model: ClassVar[bool] = True

    def orders(self, chosen: Sequence[int], draw: Draw) -> list[list[int]]:
        return [[chosen[place] for place in order] for order in some_orders(len(chosen), draw.key(len(chosen)))]


def some_orders(n: int, seed: int) -> list[tuple[int, ...]]:
    """The given order and others by hash, `ORDERS_TRIED` in all if there are so many."""
    found = {tuple(range(n)): None}
    for number in range(1, 4 * ORDERS_TRIED):  # few demos have few orders, which come again
        mixed = list(range(n))
        random.Random(key_of("order", seed, number)).shuffle(mixed)
        if len(found) < ORDERS_TRIED:
            found[tuple(mixed)] = None
    return list(found)
