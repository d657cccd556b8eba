"""One row of tokens for an item and all its choices, so that its question goes through the model once.

The prompt comes first and the choices after it, each as if it alone followed the prompt: at the positions of the context that it
would have, and blind to the other choices. A choice's last token predicts nothing and is left out, so that
choices of one token add none.

Shapes: B rows, T places, M output places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablations.core.data.items import Item

LEAST_ROWS = 4  # matrix products of fewer rows take another path in BLAS, which rounds otherwise


@dataclass(frozen=True)
class AnswerRow:
    """An item after the last `head` tokens of its prefix, of which there is at least one if the prompt is empty."""

    head: tuple[int, ...]
    item: Item

    @cached_property
    def stem(self) -> int:
        """Tokens before the choices; the last of them predicts the first token of every choice."""
        return len(self.head) + len(self.item.prompt)

    @cached_property
    def branches(self) -> list[range]:
        """Places of each choice, without its last token."""
        ends = np.cumsum([self.stem, *(len(choice) - 1 for choice in self.item.choices)]).tolist()
        return [range(start, end) for start, end in pairwise(ends)]

    @property
    def length(self) -> int:
        return self.branches[-1].stop

    @property
    def is_tree(self) -> bool:
        """Whether a choice follows another one."""
        return sum(map(bool, self.branches)) > 1

    def tokens(self) -> list[int]:
        return [*self.head, *self.item.prompt, *(token for choice in self.item.choices for token in choice[:-1])]

    def targets(self) -> list[tuple[int, int]]:
        """(number of the output place, token) of every token of every choice: the stem's last place is number 0."""
        found = []
        for places, choice in zip(self.branches, self.item.choices, strict=True):
            asked = [0, *(place - self.stem + 1 for place in places)]
            found += list(zip(asked, choice, strict=True))
        return found


@dataclass(frozen=True)
class RowBatch:
    """Rows as tensors, padded on the right; `places_BT` only where a row is a tree, `seen_BTT` also where a prefix sees itself."""

    tokens_BT: Tensor
    asked_BM: Tensor
    places_BT: Tensor | None
    seen_BTT: Tensor | None


def batch_of(rows: Sequence[AnswerRow], start: int, device: torch.device, both_ways: bool = False) -> RowBatch:
    """Tensors for `Model.hidden`. At least `LEAST_ROWS` rows, by repetition.

    Args:
        start: number of tokens before the rows.
        both_ways: whether the tokens before the choices are a prefix that see one another.
    """
    rows = [*rows, *[rows[0]] * (LEAST_ROWS - len(rows))]
    T, M = max(row.length for row in rows), max(row.length - row.stem for row in rows) + 1
    tokens, asked = np.zeros((len(rows), T), np.int64), np.zeros((len(rows), M), np.int64)
    for number, row in enumerate(rows):
        tokens[number, : row.length] = row.tokens()
        asked[number] = np.minimum(row.stem - 1 + np.arange(M), row.length - 1)
    tree = any(row.is_tree for row in rows)
    places = torch.from_numpy(_places(rows, T) + start).to(device) if tree else None
    seen = torch.from_numpy(_seen(rows, T, both_ways)).to(device) if tree or both_ways else None
    return RowBatch(torch.from_numpy(tokens).to(device), torch.from_numpy(asked).to(device), places, seen)


def _places(rows: Sequence[AnswerRow], T: int) -> NDArray[np.int64]:
    """Positions relative to the row's start; padding is at 0."""
    places = np.zeros((len(rows), T), np.int64)
    for number, row in enumerate(rows):
        places[number, : row.stem] = np.arange(row.stem)
        for branch in row.branches:
            places[number, branch.start : branch.stop] = row.stem + np.arange(len(branch))
    return places


def _seen(rows: Sequence[AnswerRow], T: int, both_ways: bool) -> NDArray[np.float32]:
    """0 where a place sees another, -inf elsewhere."""
    seen = np.tile(np.triu(np.full((T, T), -np.inf, np.float32), 1), (len(rows), 1, 1))
    for number, row in enumerate(rows):
        for branch in row.branches:
            seen[number, branch.start : branch.stop, row.stem : branch.start] = -np.inf
        if both_ways:
            seen[number, : row.stem, : row.stem] = 0
    return seen
