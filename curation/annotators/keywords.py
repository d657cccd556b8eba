"""Keyword lists, searched together in one walk of the text. Source: Aho and Corasick 1975, doi:10.1145/360825.360855."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from curation.annotators.base import Annotator, Column, Scores, Spans
from curation.text.batch import Batch

DEFAULT_LISTS = {
    "placeholder": ("lorem ipsum",),
    "cookie_notice": ("we use cookies", "accept all cookies", "javascript is disabled", "enable javascript"),
    "licence_stamp": ("all rights reserved", "\ubb34\ub2e8 \uc804\uc7ac", "\uc7ac\ubc30\ud3ec \uae08\uc9c0"),
}


class Keywords(Annotator):
    """Hits of keyword lists, and the lines they stand on as spans of the list's name, so that a policy can cut them."""

    kind: Literal["keywords"] = "keywords"
    version: Literal[1] = 1
    lists: dict[str, tuple[str, ...]] = Field(default=DEFAULT_LISTS, min_length=1)
    ignore_case: bool = True
    whole_words: bool = (
        True  # no letter or digit of the Latin script directly before or after; other scripts join words freely
    )

    columns: ClassVar = (
        Column("hits", unit="hits", type="int"),
        Column("hits_per_1000_words", unit="hits per 1000 words"),
        Column("spans", unit="lines with a hit", type="spans", range=(None, None)),
    )
    examples: ClassVar = {
        "": (0, 0.0, []),
        "Hello.\nWe use cookies here.\nBye.": (1, 1000 / 6, [(7, 28, "cookie_notice")]),
        "subroutine": (0, 0.0, []),
    }

    @model_validator(mode="after")
    def _no_empty_keyword(self) -> Self:
        for name, words in self.lists.items():
            if not words or not all(word.strip() for word in words):
                raise ValueError(f"list {name!r} is empty or holds an empty keyword. Give it at least one word.")
        return self

    def score(self, batch: Batch) -> Scores:
        rows: list[tuple[int, int, int, str]] = []
        hits = np.zeros(len(batch), np.int64)
        for d, text in enumerate(batch.texts):
            lines: set[tuple[int, int, int, str]] = set()
            for start, end, name in self._hits(text):
                hits[d] += 1
                lines.add((d, text.rfind("\n", 0, start) + 1, _line_end(text, end - 1), name))
            rows += lines
        per_1000 = 1000 * hits / np.maximum(batch.words.count, 1)
        return {"hits": hits, "hits_per_1000_words": per_1000, "spans": Spans.of(rows, len(batch))}

    def _hits(self, text: str) -> Iterator[tuple[int, int, str]]:
        # a fold that changes the length would shift the positions: such rare texts keep their case
        folded = text.lower() if self.ignore_case else text
        if len(folded) != len(text):
            folded = text
        for last, (length, names) in self._automaton.iter(folded):
            start, end = last + 1 - length, last + 1
            if not (self.whole_words and _inside_word(folded, start, end)):
                for name in names:
                    yield start, end, name

    @cached_property
    def _automaton(self) -> Any:
        import ahocorasick

        lists_of: dict[str, dict[str, None]] = {}  # one keyword may be in several lists
        for name, words in self.lists.items():
            for word in words:
                lists_of.setdefault(word.lower() if self.ignore_case else word, {})[name] = None
        automaton = ahocorasick.Automaton()
        for key, names in lists_of.items():
            automaton.add_word(key, (len(key), tuple(names)))
        automaton.make_automaton()
        return automaton


def _line_end(text: str, position: int) -> int:
    return text.find("\n", position) + 1 or len(text)  # its newline goes with it


def _inside_word(text: str, start: int, end: int) -> bool:
    before = start > 0 and text[start - 1].isascii() and text[start - 1].isalnum() and text[start].isascii()
    after = end < len(text) and text[end].isascii() and text[end].isalnum() and text[end - 1].isascii()
    return before or after
