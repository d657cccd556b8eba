"""Finds personal information of all chosen entities; the policy decides whether it is replaced."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr

from curation.annotators.base import Annotator, Column, Scores, Spans
from curation.pii.base import Entity
from curation.pii.registry import ENTITIES
from curation.runtime.registry import Plugin
from curation.text.batch import Batch
from curation.text.spans import replaced_spans


def _by_default() -> tuple[str, ...]:
    return tuple(name for name, entity in ENTITIES.classes().items() if entity.by_default)


class Pii(Annotator):
    """Finds of personal information, as a count and as spans whose kind is the entity. See `curation/pii`.

    Args:
        entities: those that are looked for; when left out those that say `by_default`, a choice of what most texts need.

    Finds never overlap: of two entities that claim the same characters the one that starts first stays, then the longer.
    """

    kind: Literal["pii"] = "pii"
    version: Literal[2] = 2
    entities: tuple[str, ...] = Field(default_factory=_by_default)
    _plugins: tuple[Plugin, ...] = PrivateAttr(default=())

    columns: ClassVar = (
        Column("finds", unit="finds", type="int"),
        Column("finds_per_1000_chars", unit="finds per 1000 characters"),
        Column("spans", unit="finds", type="spans", range=(None, None)),
    )
    examples: ClassVar = {
        "": (0, 0.0, []),
        "to a@example.com": (1, 1000 / 16, [(3, 16, "email")]),
        "010-1234-5678, 900101-1234567": (
            2,
            2000 / 29,
            [(0, 13, "phone"), (15, 29, "korean_registration_number")],
        ),
        "010-1234-5678@example.com": (1, 1000 / 25, [(0, 25, "email")]),
    }

    def content(self) -> dict[str, str]:
        return {name: entity.identity() for name, entity in self.chosen.items()}

    def with_plugins(self, plugins: Sequence[Plugin]) -> Self:
        self._plugins = tuple(plugins)
        return self

    def entities_found(self) -> tuple[str, ...]:
        return self.entities

    @cached_property
    def chosen(self) -> dict[str, Entity]:
        return {name: ENTITIES.get(name, self._plugins)() for name in self.entities}

    def score(self, batch: Batch) -> Scores:
        rows: list[tuple[int, int, int, str]] = []
        for d, text in enumerate(batch.texts):
            finds = [(s, e, name) for name, entity in self.chosen.items() for s, e in entity.find(text)]
            rows += [(d, start, end, name) for start, end, name in replaced_spans((), finds)]
        spans = Spans.of(rows, len(batch))
        some: Any = batch.chars.clip(min=1)
        return {"finds": spans.count, "finds_per_1000_chars": 1000 * spans.count / some, "spans": spans}
