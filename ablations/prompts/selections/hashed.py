"""The same rows for all queries."""

from __future__ import annotations

from typing import ClassVar

from ablations.prompts.selections.base import Selection
from ablations.prompts.selections.draws import Draw


class Hashed(Selection):
    """Rows by a hash of task, draw and row, the same for all queries."""

    kind: ClassVar[str] = "hashed"
    looks_at_query: ClassVar[bool] = False

    def chosen(self, draw: Draw) -> list[int]:
        return draw.first(draw.ranking.tolist(), draw.most)
