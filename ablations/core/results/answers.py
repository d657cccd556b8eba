"""A model's answers to every item of a task, as stored: the log-probability of each choice, and the text it wrote.

Nothing is derived here. Accuracies, margins, corrections, biases and blind guesses are computed from this file, as often and in as
many ways as anybody likes, without asking the model again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from statistics import fmean
from typing import Any

UNDECIDED = -1  # the prediction of a model that finds two choices likeliest
FOR_ALL = "*"  # id of the one unconditional item that serves for all
UNCONDITIONAL, CONTENT_FREE = "unconditional", "content_free"
NOT_ASKED = frozenset({UNCONDITIONAL, CONTENT_FREE})  # conditions that correct the scores of others


@dataclass(frozen=True)
class Score:
    """Log-probabilities, in nats over the whole vocabulary, of each choice of an item, summed over its tokens.

    `tokens` and `bytes` are the lengths of the choices; `bytes` is empty where the items do not give them.
    """

    id: str
    gold: int
    choices: tuple[float, ...]
    tokens: tuple[int, ...] = ()
    bytes: tuple[int, ...] = ()

    @property
    def gold_nll(self) -> float:
        return -self.choices[self.gold]

    @property
    def margin(self) -> float:
        """Nats by which the gold choice is likelier than the best other one; there must be one."""
        return self.choices[self.gold] - max(p for i, p in enumerate(self.choices) if i != self.gold)

    @property
    def predicted(self) -> int:
        return likeliest(self.choices)

    @property
    def correct(self) -> bool:
        return self.predicted == self.gold


@dataclass(frozen=True)
class GroupAnswers:
    """The answers to one group of items: one (k, condition, draw).

    Attributes:
        demo_labels: what the demonstrations showed, as numbers of the choices; empty where items have their own.
        candidate: which order of the demonstrations the model chose; None where there was one.
        written: tokens of written answers; None where none were wanted.
        texts: the same as text, where a tokenizer was available.
        cut: whether each of them was cut where more would have come.
    """

    k: int
    condition: str
    draw: int
    scores: tuple[Score, ...]
    demo_labels: tuple[int, ...] = ()
    candidate: int | None = None
    written: tuple[tuple[int, ...], ...] | None = None
    texts: tuple[str, ...] | None = None
    cut: tuple[bool, ...] | None = None

    def of_items(self, wanted: Callable[[str], bool]) -> GroupAnswers:
        """The answers to some items by their ids; all of a group that corrects others."""
        if self.condition in NOT_ASKED:
            return self
        kept = [wanted(score.id) for score in self.scores]
        written = None if self.written is None else tuple(compress(self.written, kept))
        texts = None if self.texts is None else tuple(compress(self.texts, kept))
        cut = None if self.cut is None else tuple(compress(self.cut, kept))
        return replace(self, scores=tuple(compress(self.scores, kept)), written=written, texts=texts, cut=cut)


@dataclass(frozen=True)
class TaskAnswers:
    """All groups of a task that were put to one model, in the order of the task."""

    task: str
    groups: tuple[GroupAnswers, ...]

    def asked(self) -> Iterator[GroupAnswers]:
        """Those that count as answers, not those that correct others."""
        return (group for group in self.groups if group.condition not in NOT_ASKED)

    def of_items(self, wanted: Callable[[str], bool]) -> TaskAnswers:
        """The answers to some items by their ids; what corrects the scores of others stays whole."""
        return TaskAnswers(self.task, tuple(group.of_items(wanted) for group in self.groups))

    def to_json(self) -> dict[str, Any]:
        """What many groups share (ids, gold answers, lengths of choices) is written once."""
        sets: dict[tuple[Any, ...], int] = {}
        groups = []
        for group in self.groups:
            shared = tuple((s.id, s.gold, s.tokens, s.bytes) for s in group.scores)
            rest = {"items": sets.setdefault(shared, len(sets)), "logp": [list(s.choices) for s in group.scores]}
            groups.append({**_group_json(group), **rest})
        rows = [_columns(items) for items in sets]
        return {"task": self.task, "items": rows, "groups": groups}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TaskAnswers:
        rows = [
            list(zip(s["ids"], s["gold"], _tuples(s["tokens"]), _tuples(s["bytes"]), strict=True))
            for s in value["items"]
        ]
        return cls(value["task"], tuple(_group(group, rows[group["items"]]) for group in value["groups"]))


def _group_json(group: GroupAnswers) -> dict[str, Any]:
    fields: dict[str, Any] = {"k": group.k, "condition": group.condition, "draw": group.draw}
    fields["demo_labels"] = list(group.demo_labels)
    for name in ("candidate", "written", "texts", "cut"):
        if getattr(group, name) is not None:
            fields[name] = getattr(group, name)
    return fields


def _columns(items: tuple[Any, ...]) -> dict[str, list[Any]]:
    columns = list(zip(*items, strict=True)) or [(), (), (), ()]
    return dict(zip(("ids", "gold", "tokens", "bytes"), map(list, columns), strict=True))


def _tuples(lists: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    return [tuple(each) for each in lists]


def _group(value: Mapping[str, Any], items: Sequence[tuple[Any, ...]]) -> GroupAnswers:
    pairs = zip(items, value["logp"], strict=True)
    scores = tuple(Score(id_, gold, tuple(logp), tokens, sizes) for (id_, gold, tokens, sizes), logp in pairs)
    written, texts, cut = value.get("written"), value.get("texts"), value.get("cut")
    return GroupAnswers(
        value["k"], value["condition"], value["draw"], scores, tuple(value["demo_labels"]), value.get("candidate"),
        None if written is None else tuple(map(tuple, written)), None if texts is None else tuple(texts),
        None if cut is None else tuple(cut),
    )  # fmt: skip


def likeliest(values: Sequence[float]) -> int:
    """Number of the largest value; `UNDECIDED` if two are, so that a model that sees no difference is not counted as right."""
    best = max(values)
    return values.index(best) if values.count(best) == 1 else UNDECIDED


def content_free_shares(scores: Sequence[Score]) -> tuple[float, ...]:
    """Mean over questions without content of the choices' probabilities, those of a question normalised to one.

    Empty when there are no such questions or their numbers of choices differ.
    """
    if len({len(score.choices) for score in scores}) != 1:
        return ()
    each = [_shares(score.choices) for score in scores]
    return tuple(max(fmean(column), 1e-300) for column in zip(*each, strict=True))


def _shares(logp: Sequence[float]) -> list[float]:
    top = max(logp)
    weights = [math.exp(p - top) for p in logp]
    return [weight / sum(weights) for weight in weights]
