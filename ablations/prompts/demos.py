"""Which rows are demonstrations, and in which order they stand.

Demonstrations of a draw are ranked by a hash of (task, draw, row), so the first k are the k demos: they nest, are shared by all
queries, and depend on nothing else. A selection that looks at the query (`nearest`, `diverse`) gives each its own demos, out
of a half of the pool that the draw takes by hash; so draws differ and no draw sees all rows.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.hashing import key_of
from ablations.prompts.questions import Question
from curation.runtime.errors import ConfigError

HASHED, NEAREST, DIVERSE = "hashed", "nearest", "diverse"
SIMILAR_LAST, ENTROPY = "similar_last", "entropy"
ORDERS_TRIED = 8  # candidates of the order that the model itself chooses
SHARE_SEEN = 0.5  # of the pool, by a draw whose demos depend on the query
LOOKED_AT = 4  # times k nearest rows from which diverse ones are taken
T = TypeVar("T")


class Similarity(Protocol):
    """How alike texts are, from 0 to 1."""

    def to_query(self, query: int) -> NDArray[np.float32]:
        """Of all pool texts to a query, shape (P,)."""

    def among(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Of some pool texts to each other, shape (n, n)."""


Measure = Callable[[Sequence[str], Sequence[str]], Similarity]
"""Pool texts and query texts to their similarity."""


@dataclass(frozen=True)
class Design:
    """How prompts of a task are put together; see `docs/tasks.md`.

    Args:
        shots: numbers of demonstrations.
        draws: choices of demonstrations; k = 0 has one only.
        items: rows asked, the first by hash.
        balanced: take demonstrations from the labels in turn.
        selection: `hashed`, or by the query: `nearest` or `diverse`.
        order: `hashed`, `similar_last` (the most similar to the query stands last), or `entropy` (chosen by the model).
        conditions: of the demonstrations' labels, as in `ablations.core.data.items.Group`.
    """

    shots: tuple[int, ...]
    draws: int = 10
    items: int = 200
    balanced: bool = False
    selection: str = HASHED
    order: str = HASHED
    conditions: tuple[str, ...] = ("gold", "permuted")

    @property
    def shared(self) -> bool:
        """Whether all queries of a draw have the same demonstrations in the same order."""
        return self.selection == HASHED and self.order != SIMILAR_LAST


def ranked(task: str, draw: int, ids: Sequence[str]) -> list[str]:
    """The ids in the order in which a draw takes them; an added row changes no other's rank relative to the rest."""
    return sorted(ids, key=lambda row: (key_of(task, draw, row), row))


def in_turn(labels: Sequence[int], count: int, key: Callable[[int], int]) -> list[int]:
    """The first `count` places of a ranking, taken from the labels in turn: each prefix is as balanced as the labels allow.

    In every round each label that is left gives its next place, and `key`, a hash of the place, orders the round: in the
    ranking's own order the rarest label would nearly always stand last.
    """
    rounds: dict[int, list[int]] = {}
    turns: dict[int, int] = {}
    for place, label in enumerate(labels):
        turn = turns.get(label, 0)
        turns[label] = turn + 1
        rounds.setdefault(turn, []).append(place)
    found: list[int] = []
    for turn in sorted(rounds):
        if len(found) < count:
            found += sorted(rounds[turn], key=key)
    return found[:count]


def orders(demos: Sequence[T], seed: int) -> list[tuple[T, ...]]:
    """The given order and others by hash, `ORDERS_TRIED` in all if there are so many.

    Source: Lu et al. 2021, https://arxiv.org/abs/2104.08786, who choose among orders by the entropy of predicted labels.
    """
    found = {tuple(range(len(demos))): None}
    for number in range(1, 4 * ORDERS_TRIED):  # few demos have few orders, which come again
        mixed = list(range(len(demos)))
        random.Random(key_of("order", seed, number)).shuffle(mixed)
        if len(found) < ORDERS_TRIED:
            found[tuple(mixed)] = None
    return [tuple(demos[place] for place in order) for order in found]


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


class Demos:
    """Demonstrations of every draw, k and query.

    Args:
        task: the task's kind, which names the draws; so other wordings of a task show the same rows.
        pool: no question among the queries.
        similarity: of all pool rows to the queries; where the design looks at queries.
    """

    def __init__(
        self, task: str, pool: Sequence[Question], design: Design, similarity: Similarity | None = None
    ) -> None:
        self._task, self._design, self._similarity = task, design, similarity
        self._pool = list(pool)
        self._place = {question.id: place for place, question in enumerate(pool)}
        self._rankings: dict[int, NDArray[np.int64]] = {}
        self._first: dict[int, list[int]] = {}
        self._ranks: dict[int, dict[int, int]] = {}

    def shared(self, draw: int, k: int) -> list[tuple[Question, ...]]:
        """The k demonstrations that all queries see: one order, or the candidates among which the model chooses."""
        chosen = [self._pool[place] for place in self._shared_places(draw)[:k]]
        return orders(chosen, key_of(self._task, draw, k)) if self._design.order == ENTROPY else [tuple(chosen)]

    def of_query(self, draw: int, query: int) -> list[tuple[Question, ...]]:
        """The demonstrations that one query sees, for each k of the design."""
        assert self._similarity is not None
        near = self._similarity.to_query(query)
        places = self._shared_places(draw) if self._design.selection == HASHED else self._near_places(draw, near)
        rank = self._rank(draw)
        found = []
        for k in self._design.shots:
            chosen = places[:k]
            if self._design.order == SIMILAR_LAST:
                chosen = sorted(chosen, key=lambda place: (near[place], -rank[place]))
            elif not self._design.balanced:
                chosen = sorted(chosen, key=rank.__getitem__)
            found.append(tuple(self._pool[place] for place in chosen))
        return found

    def _shared_places(self, draw: int) -> list[int]:
        if draw not in self._first:
            ranking = self._ranking(draw).tolist()
            most = max(self._design.shots)
            self._first[draw] = self._in_turn(draw, ranking, most) if self._design.balanced else ranking[:most]
        return self._first[draw]

    def _near_places(self, draw: int, near: NDArray[np.float32]) -> list[int]:
        assert self._similarity is not None
        most = max(self._design.shots)
        seen = self._ranking(draw)[: max(most, round(SHARE_SEEN * len(self._pool)))]
        best: list[int] = seen[np.argsort(-near[seen], kind="stable")].tolist()  # equals stay in the draw's order
        wanted = LOOKED_AT * most if self._design.selection == DIVERSE else most
        best = self._in_turn(draw, best, wanted) if self._design.balanced else best[:wanted]
        if self._design.selection == DIVERSE and most:
            spread = [
                best[place]
                for place in spread_out(
                    near[best], self._similarity.among(best), len(best) if self._design.balanced else most
                )
            ]
            best = self._in_turn(draw, spread, most) if self._design.balanced else spread[:most]
        return best

    def _in_turn(self, draw: int, places: list[int], count: int) -> list[int]:
        labels = [self._pool[place].example.gold for place in places]
        turns = in_turn(labels, count, lambda turn: key_of(self._task, draw, "turn", self._pool[places[turn]].id))
        return [places[turn] for turn in turns]

    def _ranking(self, draw: int) -> NDArray[np.int64]:
        if draw not in self._rankings:
            order = [self._place[row] for row in ranked(self._task, draw, list(self._place))]
            self._rankings[draw] = np.array(order, np.int64)
        return self._rankings[draw]

    def _rank(self, draw: int) -> dict[int, int]:
        if draw not in self._ranks:
            self._ranks[draw] = {place: number for number, place in enumerate(self._ranking(draw).tolist())}
        return self._ranks[draw]


def apart(kind: str, pool: Sequence[Question], queries: Sequence[Question]) -> tuple[list[Question], int]:
    """The pool's questions that are none of the queries, each once, and how many rows were left out.

    Of rows that ask the same, the one of the smallest id stays, wherever it stands.

    Raises:
        ConfigError: nothing is left: the queries would stand among their own demonstrations.
    """
    asked = {query.text for query in queries}
    free: dict[str, Question] = {}
    for question in sorted(pool, key=lambda each: each.id):
        if question.text not in asked:
            free.setdefault(question.text, question)
    if pool and not free:
        raise ConfigError(
            f"task {kind}: every row of the pool is among the queries too, so a query would stand among its demonstrations. "
            "Give other rows as pool."
        )
    kept = {question.id for question in free.values()}
    return [question for question in pool if question.id in kept], len(pool) - len(kept)
