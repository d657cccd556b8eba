"""The order of the draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ablations.prompts.orders.base import Order
from ablations.prompts.selections.draws import Draw


class Hashed(Order):
    """As the draw ranks them; balanced ones as they were taken in turn."""

    kind: ClassVar[str] = "hashed"

    def orders(self, chosen: Sequence[int], draw: Draw) -> list[list[int]]:
        return [list(chosen) if draw.balanced else sorted(chosen, key=draw.rank.__getitem__)]
