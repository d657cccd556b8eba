"""Which rows are demonstrations, and in which order.

Demonstrations of a draw are ranked by a hash of (task, draw, row), so the first k are the k demos: they nest, are shared by all
queries, and depend on nothing else. A selection that looks at the query gives each its own demos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ablations.core.data.hashing import key_of
from ablations.prompts.orders import hashed as hashed_order
from ablations.prompts.orders.base import Order
from ablations.prompts.selections import hashed as hashed_selection
from ablations.prompts.selections.base import Selection
from ablations.prompts.selections.draws import Draw, Similarity
from ablations.prompts.tasks.questions import Question
from curation.runtime.errors import ConfigError


@dataclass(frozen=True)
class Design:
    """How prompts of a task are put together; see `docs/tasks.md`.

    Args:
        shots: numbers of demonstrations.
        draws: choices of demonstrations; k = 0 has one only.
        items: rows asked, the first by hash.
        balanced: take demonstrations from the labels in turn.
        selection: which rows are demonstrations.
        order: their order in the prompt.
        conditions: of the demonstrations' labels, as in `ablations.core.data.items.Group`.
    """

    shots: tuple[int, ...]
    draws: int = 10
    items: int = 200
    balanced: bool = False
    selection: Selection = field(default_factory=hashed_selection.Hashed)
    order: Order = field(default_factory=hashed_order.Hashed)
    conditions: tuple[str, ...] = ("gold", "permuted")

    @property
    def shared(self) -> bool:
        """Whether all queries of a draw have the same demonstrations in the same order."""
        return not (self.selection.looks_at_query or self.order.looks_at_query)


def ranked(task: str, draw: int, ids: Sequence[str]) -> list[str]:
    """The ids in the order in which a draw takes them; an added row changes no other's rank relative to the rest."""
    return sorted(ids, key=lambda row: (key_of(task, draw, row), row))


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
        self._shown: dict[int, None] = {}
        self._draws: dict[int, Draw] = {}
        self._for_all: dict[int, list[int]] = {}

    def shared(self, draw: int, k: int) -> list[tuple[Question, ...]]:
        """The k demonstrations that all queries see: one order, or the candidates among which the model chooses."""
        return self._rows(self._design.order.orders(self._chosen_for_all(draw)[:k], self._draw(draw)))

    def of_query(self, draw: int, query: int) -> list[tuple[Question, ...]]:
        """The demonstrations that one query sees, for each k of the design."""
        assert self._similarity is not None
        seen = replace(self._draw(draw), near=self._similarity.to_query(query), among=self._similarity.among)
        selection, order = self._design.selection, self._design.order
        places = selection.chosen(seen) if selection.looks_at_query else self._chosen_for_all(draw)
        return [self._rows(order.orders(places[:k], seen))[0] for k in self._design.shots]

    def shown(self) -> list[Question]:
        """Every demonstration that was asked for so far."""
        return [self._pool[place] for place in self._shown]

    def _rows(self, orders: Sequence[Sequence[int]]) -> list[tuple[Question, ...]]:
        self._shown.update((place, None) for order in orders for place in order)
        return [tuple(self._pool[place] for place in order) for order in orders]

    def _chosen_for_all(self, draw: int) -> list[int]:
        if draw not in self._for_all:
            self._for_all[draw] = self._design.selection.chosen(self._draw(draw))
        return self._for_all[draw]

    def _draw(self, number: int) -> Draw:
        if number not in self._draws:
            places = [self._place[row] for row in ranked(self._task, number, list(self._place))]
            rank = {place: turn for turn, place in enumerate(places)}
            most, balanced = max(self._design.shots), self._design.balanced
            ranking = np.array(places, np.int64)
            self._draws[number] = Draw(self._task, number, self._pool, most, balanced, ranking, rank)
        return self._draws[number]


def apart(kind: str, pool: Sequence[Question], queries: Sequence[Question]) -> tuple[list[Question], int]:
    """The pool's questions that are none of the queries, each once, and how many rows were left out.

    Of rows that ask the same, the one of the smallest id stays, wherever it is in the file.

    Raises:
        ConfigError: nothing is left: the queries would be among their own demonstrations.
    """
    asked = {query.text for query in queries}
    free: dict[str, Question] = {}
    for question in sorted(pool, key=lambda each: each.id):
        if question.text not in asked:
            free.setdefault(question.text, question)
    if pool and not free:
        raise ConfigError(
            f"task {kind}: every row of the pool is among the queries too, so a query would be among its demonstrations. "
            "Give other rows as pool."
        )
    ids = {question.id for question in free.values()}
    return [question for question in pool if question.id in ids], len(pool) - len(ids)
