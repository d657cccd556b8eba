"""The interface of an order of demonstrations: chosen rows in, one or several sequences of them out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from ablations.prompts.selections.draws import Draw


class Order(ABC):
    """One way to order chosen demonstrations. The first line of its docstring describes the order.

    Attributes:
        looks_at_query: each query has its own; `Draw.near` is then known.
        chosen_by_model: there are several, of which the model takes one: for demonstrations that all queries share.
    """

    kind: ClassVar[str]
    looks_at_query: ClassVar[bool] = False
    chosen_by_model: ClassVar[bool] = False

    @abstractmethod
    def orders(self, chosen: Sequence[int], draw: Draw) -> list[list[int]]:
        """The chosen places in order, the last one next to the query; one list, unless the model chooses."""
