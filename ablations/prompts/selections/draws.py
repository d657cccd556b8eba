"""The pool as one draw sees it: what selections and orders of demonstrations choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.hashing import key_of
from ablations.prompts.tasks.questions import Question

SHARE_SEEN = 0.5  # of the pool, by a draw whose demos depend on the query


class Similarity(Protocol):
    """How alike texts are, from 0 to 1."""

    def to_query(self, query: int) -> NDArray[np.float32]:
        """Of all pool texts to a query, shape (P,)."""

    def among(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Of some pool texts to each other, shape (n, n)."""


Measure = Callable[[Sequence[str], Sequence[str]], Similarity]
"""Pool texts and query texts to their similarity."""


def no_similarity(rows: Sequence[int]) -> NDArray[np.float32]:
    raise AssertionError("only a design that looks at the query knows similarities")


@dataclass(frozen=True)
class Draw:
    """One choice of demonstrations. Rows of the pool are named by their places in it.

    Attributes:
        task: its kind, which names the draws; so other wordings of a task show the same rows.
        most: the largest number of demonstrations.
        balanced: they are taken from the labels in turn.
        ranking: the places of all rows in the order in which the draw takes them.
        rank: place -> number in the ranking.
        near: similarity of all rows to the query, shape (P,); empty unless the selection or the order looks at the query.
        among: similarity of some rows to each other, shape (n, n).
    """

    task: str
    number: int
    pool: Sequence[Question]
    most: int
    balanced: bool
    ranking: NDArray[np.int64]
    rank: Mapping[int, int]
    near: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    among: Callable[[Sequence[int]], NDArray[np.float32]] = no_similarity

    def first(self, places: Sequence[int], count: int) -> list[int]:
        """The first of a list of places, or its labels' in turn, as the design has it."""
        if not self.balanced:
            return list(places[:count])
        labels = [self.pool[place].example.gold for place in places]
        turns = in_turn(labels, count, lambda turn: self.key("turn", self.pool[places[turn]].id))
        return [places[turn] for turn in turns]

    def nearest(self) -> list[int]:
        """The half of the pool that the draw takes by hash, the most similar to the query first; so draws differ, and no draw
        sees all rows."""
        seen = self.ranking[: max(self.most, round(SHARE_SEEN * len(self.pool)))]
        places: list[int] = seen[
            np.argsort(-self.near[seen], kind="stable")
        ].tolist()  # equals stay in the draw's order
        return places

    def key(self, *more: object) -> int:
        """A hash of the draw and what is given."""
        return key_of(self.task, self.number, *more)


def in_turn(labels: Sequence[int], count: int, key: Callable[[int], int]) -> list[int]:
    """The first `count` places of a ranking, taken from the labels in turn: each prefix is as balanced as the labels allow.

    In every round each label that is left gives its next place, and `key`, a hash of the place, orders the round: in the
    ranking's own order the rarest label would nearly always come last.
    """
    rounds: dict[int, list[int]] = {}
    turns: dict[int, int] = {}
    for place, label in enumerate(labels):
        turn = turns.get(label, 0)
        turns[label] = turn + 1
        rounds.setdefault(turn, []).append(place)
    places: list[int] = []
    for turn in sorted(rounds):
        if len(places) < count:
            places += sorted(rounds[turn], key=key)
    return places[:count]
