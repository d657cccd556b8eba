"""Rows that are like the query."""

from __future__ import annotations

from typing import ClassVar

from ablations.prompts.selections.base import Selection
from ablations.prompts.selections.draws import Draw


class Nearest(Selection):
    """The rows that are most similar to the query, of the half of the pool that the draw sees."""

    kind: ClassVar[str] = "nearest"
    looks_at_query: ClassVar[bool] = True

    def chosen(self, draw: Draw) -> list[int]:
        return draw.first(draw.nearest(), draw.most)
