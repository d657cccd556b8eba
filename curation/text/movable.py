"""Parts of a text that can change places: words between signs, and sentences. The gaps between them stay.

Both are found by the code points of the part itself and of its neighbours alone, so that a text whose parts have changed places
has the same parts again: the counts of words and sentences stay exactly the same. `Batch.words` looks further around.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np
import numpy.typing as npt

from curation.text.code_points import traits

_TERMINAL = "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in traits.TERMINALS)
_WIDE = "。！？｡"  # no space follows them
_CLOSING = re.escape("\"')]}»”’」』）】》")
_WIDE_END = re.compile(rf"[{_WIDE}][{_TERMINAL}{_CLOSING}]*\Z")
_END = re.compile(rf"[{_TERMINAL}][{_CLOSING}]*\Z")
_GLUED = re.compile(rf"[{_TERMINAL}{_CLOSING}]")  # would become part of a sentence that ends before it without a space
_SENTENCE = re.compile(
    rf"(?=\S)[^\n]*?(?:[{_WIDE}][{_TERMINAL}{_CLOSING}]*|[{_TERMINAL}]+[{_CLOSING}]*(?=\s|\Z))|\S(?:[^\n]*\S)?"
)


@dataclass(frozen=True)
class Cut:
    """A text cut up: `gaps[0] + parts[0] + gaps[1] + ... + parts[-1] + gaps[-1]`."""

    parts: list[str]
    gaps: list[str]

    def joined(self, parts: Sequence[str]) -> str:
        """The text with other parts between the same gaps."""
        return "".join(piece for piece in chain(*zip_longest(self.gaps, parts, fillvalue="")))


def words(text: str) -> Cut:
    """Runs of letters and digits of any script between signs and white space; text without spaces is one run up to a sign."""
    if not text:
        return Cut([], [""])
    group = traits.table()[np.array([text]).view(np.uint32)] & traits.GROUP
    inside = np.zeros(len(group) + 2, np.int8)
    inside[1:-1] = (group == traits.WORD) | (group == traits.ALONE)
    edges = np.flatnonzero(np.diff(inside)).tolist()
    return _cut(text, edges[0::2], edges[1::2])


def sentences(text: str) -> Cut:
    """Up to a mark that ends a sentence and the white space behind it, or to the end of the line, without white space around."""
    spans = [match.span() for match in _SENTENCE.finditer(text)]
    return _cut(text, [start for start, _ in spans], [end for _, end in spans])


def sentence_sort(sentence: str) -> str:
    """Where a sentence may be put: `wide` anywhere, `ended` before white space, `line` at the end of a line (a heading, a line of
    code), `fixed` where it is."""
    if _GLUED.match(sentence):
        return "fixed"
    if _WIDE_END.search(sentence):
        return "wide"
    return "ended" if _END.search(sentence) else "line"


def permutation(count: int, seed: int) -> npt.NDArray[np.int64]:
    """The numbers 0 .. count - 1 in an order that depends on the seed alone, the same on every machine."""
    return np.argsort(np.random.PCG64(seed).random_raw(count), kind="stable")


def _cut(text: str, starts: Sequence[int], ends: Sequence[int]) -> Cut:
    parts = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    gaps = [text[end:start] for end, start in zip([0, *ends], [*starts, len(text)], strict=True)]
    return Cut(parts, gaps)
