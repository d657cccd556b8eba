"""The interface of a selection of demonstrations: a draw in, rows of the pool out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from ablations.prompts.selections.draws import Draw


class Selection(ABC):
    """One way to choose demonstrations. The first line of its docstring describes the rows that it takes.

    Attributes:
        looks_at_query: each query has its own; `Draw.near` and `Draw.among` are then known.
    """

    kind: ClassVar[str]
    looks_at_query: ClassVar[bool]

    @abstractmethod
    def chosen(self, draw: Draw) -> list[int]:
        """At least `draw.most` places, the best first: the first k are the k demonstrations."""
