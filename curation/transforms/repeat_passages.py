"""Passages come again soon after: what a window of text holds twice can be copied from it.

That repeats in the text make induction heads: Olsson et al. 2022, https://arxiv.org/abs/2209.11895; that how often and where they
come
decides: Chan et al. 2022, https://arxiv.org/abs/2205.05055.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from curation.runtime.identity import seed
from curation.transforms.base import Document, Shares, Transform
from curation.transforms.invariants import distinct_characters, distinct_words

_WORD = re.compile(r"\S*\s+|\S+")
SHORTEST = 8  # words and what follows them, in a stretch that is long enough to hold a passage twice


class RepeatPassages(Transform):
    """In a share of a document's stretches a passage is shown again later in the stretch, at a distance that is drawn for each.

    Args:
        share: of the stretches.
        stretch: characters of each, about as many as a window of training holds.
        shortest, longest: characters of a passage, about.
    """

    kind: Literal["repeat_passages"] = "repeat_passages"
    version: Literal[1] = 1
    share: float = Field(default=0.5, gt=0, le=1)
    stretch: int = Field(default=500, ge=50)
    shortest: int = Field(default=60, ge=1)
    longest: int = Field(default=240, ge=1)

    keeps: ClassVar = (distinct_words, distinct_characters)
    examples: ClassVar = {"": "", "too short for a passage": "too short for a passage"}

    def apply(self, document: Document, known: Any) -> str:
        return "".join(
            piece
            for number, words in enumerate(self._stretches(document.text))
            for piece in self._shown(document, number, words)
        )

    def measure(self, document: Document, known: Any) -> Shares:
        """Words of five in a row that stood in the thousand characters before."""
        words = _WORD.findall(document.text)
        fives = [tuple(words[place : place + 5]) for place in range(len(words) - 4)]
        last: dict[tuple[str, ...], int] = {}
        near, at = 0, 0
        for place, five in enumerate(fives):
            near += five in last and at - last[five] <= 1000
            last[five] = at
            at += len(words[place])
        return {"share of five words that came within 1,000 characters before": (near, len(fives))}

    def _stretches(self, text: str) -> Iterator[list[str]]:
        """Words, each with the white space behind it, of one stretch after another."""
        words: list[str] = []
        size = 0
        for word in _WORD.findall(text):
            words.append(word)
            size += len(word)
            if size >= self.stretch:
                yield words
                words, size = [], 0
        if words:
            yield words

    def _shown(self, document: Document, number: int, words: Sequence[str]) -> Sequence[str]:
        """A stretch with a passage of it shown again, or as it was."""
        whole = [word for word in words if word[-1].isspace()]  # the last word of a text may end it
        if len(whole) < SHORTEST or seed("stretch", self.seed_of(document, number)) % 10_000 >= self.share * 10_000:
            return words
        draws = [seed(purpose, self.seed_of(document, number)) for purpose in ("length", "start", "again")]
        wanted = self.shortest + draws[0] % (max(self.longest, self.shortest) - self.shortest + 1)
        start = draws[1] % (len(whole) // 2)
        stop, size = start, 0
        while stop < len(whole) - 1 and size < wanted:
            size += len(whole[stop])
            stop += 1
        again = stop + draws[2] % (len(whole) - stop + 1)
        return [*words[:again], *words[start:stop], *words[again:]]
