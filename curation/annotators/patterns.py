"""Named patterns of lines and marks that are no text: front matter, bylines, message headers. RE2, https://github.com/google/re2."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from curation.annotators.base import Annotator, Column, Scores, Spans
from curation.text.batch import Batch

DEFAULT_PATTERNS = {
    "front_matter": r"\A---[ \t]*\n(?:[^\n]*\n)*?---[ \t]*\n",  # of Markdown pages, Jekyll and Hugo
    "empty_brackets": r" ?\([ ,;:·]*\)",  # what an extractor of wiki text leaves of a template
    "html_comment": r"<!--(?s:.*?)-->",
}


class Patterns(Annotator):
    """Matches of named patterns as spans of the pattern's name, so that a policy can cut them.

    A pattern is written in RE2's syntax (no look-around, no back-references), which bounds the time by the text's length
    whatever the pattern. `^` and `$` mean the ends of a line, `\\A` and `\\z` those of the text. Of a pattern with groups only
    what the groups hold is meant: `(\\[\\[)[^\\]\\n]*(\\]\\])` takes the brackets of a link and leaves its text. Matches of one
    pattern do not overlap; those of different patterns may.
    """

    kind: Literal["patterns"] = "patterns"
    version: Literal[1] = 1
    patterns: dict[str, str] = Field(default=DEFAULT_PATTERNS, min_length=1)

    columns: ClassVar = (
        Column("matches", unit="matches", type="int"),
        Column("char_share", unit="share of characters", range=(0, 1)),
        Column("spans", unit="matches", type="spans", range=(None, None)),
    )
    examples: ClassVar = {
        "": (0, 0.0, []),
        "---\ntitle: a\n---\nText (, ) here.": (2, 22 / 32, [(0, 17, "front_matter"), (21, 26, "empty_brackets")]),
        "a\n---\nb\n---\n": (0, 0.0, []),
    }

    @model_validator(mode="after")
    def _all_can_be_read(self) -> Self:
        for name, compiled in self._compiled.items():
            if compiled.search("") is not None:
                raise ValueError(f"pattern {name!r} matches the empty text. Let it ask for at least one character.")
        return self

    @cached_property
    def _compiled(self) -> dict[str, Any]:
        import re2

        options = re2.Options()
        options.log_errors = False
        compiled = {}
        for name, pattern in self.patterns.items():
            try:
                compiled[name] = re2.compile(f"(?m){pattern}", options)
            except re2.error as error:
                reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
                raise ValueError(f"pattern {name!r}: {reason}. Write it in RE2's syntax.") from error
        return compiled

    def score(self, batch: Batch) -> Scores:
        rows = [(d, *span) for d, text in enumerate(batch.texts) for span in self._matches(text)]
        spans = Spans.of(rows, len(batch))
        covered = np.array([_covered(of_one) for of_one in spans.per_document()], np.int64)
        return {
            "matches": spans.count,
            "char_share": covered / np.maximum(batch.chars, 1),
            "spans": spans,
        }

    def _matches(self, text: str) -> Iterator[tuple[int, int, str]]:
        if not text.isascii():
            text = text.encode("utf8", "replace").decode("utf8")  # RE2 takes no lone surrogates
        for name, pattern in self._compiled.items():
            groups = range(1, pattern.groups + 1) if pattern.groups else (0,)
            for match in pattern.finditer(text):
                for start, end in map(match.span, groups):
                    if start < end:  # also not a group that took no part, whose span is (-1, -1)
                        yield start, end, name


def _covered(spans: list[tuple[int, int, str]]) -> int:
    """Code points in at least one of the spans, which are ordered by start."""
    covered = at = 0
    for start, end, _ in spans:
        covered += max(0, end - max(start, at))
        at = max(at, end)
    return covered
