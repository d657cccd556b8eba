"""Finds personal information of all chosen entities; the policy decides whether it is replaced."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

from pydantic import PrivateAttr

from curation.annotators.base import Annotator, Column, Scores, Spans
from curation.pii.base import REGISTRY, Entity
from curation.runtime.registry import Plugin, plugin_digest
from curation.text.batch import Batch


class Pii(Annotator):
    """Finds of personal information, as a count and as spans whose kind is the entity. See `curation/pii`."""

    kind: Literal["pii"] = "pii"
    version: Literal[1] = 1
    entities: tuple[str, ...] = ("email",)
    _plugins: tuple[Plugin, ...] = PrivateAttr(default=())

    columns: ClassVar = (
        Column("finds", unit="finds", type="int", high_is_bad=True),
        Column("finds_per_1000_chars", unit="finds per 1000 characters", high_is_bad=True),
        Column("spans", unit="finds", type="spans", range=(None, None)),
    )
    examples: ClassVar = {
        "": (0, 0.0, []),
        "to a@example.com": (1, 1000 / 16, [(3, 16, "email")]),
    }

    def content(self) -> dict[str, str]:
        return {name: f"version {e.version} {plugin_digest(type(e))}" for name, e in self.chosen.items()}

    def with_plugins(self, plugins: Sequence[Plugin]) -> Self:
        self._plugins = tuple(plugins)
        return self

    @cached_property
    def chosen(self) -> dict[str, Entity]:
        return {name: REGISTRY.get(name, self._plugins)() for name in self.entities}

    def score(self, batch: Batch) -> Scores:
        rows: list[tuple[int, int, int, str]] = []
        for d, text in enumerate(batch.texts):
            for name, entity in self.chosen.items():
                rows += [(d, start, end, name) for start, end in entity.find(text)]
        spans = Spans.of(rows, len(batch))
        some: Any = batch.chars.clip(min=1)
        return {"finds": spans.count, "finds_per_1000_chars": 1000 * spans.count / some, "spans": spans}
