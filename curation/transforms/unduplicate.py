"""Passages that occur twice in a source. Source: Lee et al. 2021, https://arxiv.org/abs/2107.06499, on exact repeated sequences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import xxhash
from pydantic import Field

from curation.text import movable
from curation.transforms.base import Document, Shares, Transform
from curation.transforms.invariants import characters, signs_and_white_space, word_counts


class Unduplicate(Transform):
    """The words of a sentence that occurred in the source before, in this document or an earlier one, change places within it.

    So a passage occurs once, yet nothing is taken away: removing it, as deduplication does, changes lengths, word counts and the
    share of each sort of text together with the repetition. The first time of a sentence stays.
    """

    kind: Literal["unduplicate"] = "unduplicate"
    version: Literal[1] = 1
    least_words: int = Field(default=5, ge=2)  # a shorter sentence ("Yes.", "return x") may come again

    keeps: ClassVar = (word_counts, characters, signs_and_white_space)
    examples: ClassVar = {"": "", "Said once, in five words.": "Said once, in five words."}
    gathers: ClassVar = True

    def gather(self, documents: Iterable[Document], total: int) -> pa.Table:
        """The hash of every sentence that comes more than once, and the first document that has it. Holds 40 bytes a sentence."""
        ids: list[bytes] = []
        hashes: list[np.ndarray] = []
        for document in documents:
            ids.append(document.id)
            hashes.append(np.fromiter((key for _, key in self._sentences(document.text)), np.uint64))
        every = np.concatenate([np.zeros(0, np.uint64), *hashes])
        ends = np.cumsum([len(of_one) for of_one in hashes])
        sentences, first, times = np.unique(every, return_index=True, return_counts=True)
        owners = np.searchsorted(ends, first[times > 1], side="right").tolist()
        columns = {"sentence": sentences[times > 1], "first": pa.array([ids[owner] for owner in owners], pa.binary(16))}
        return pa.table(columns)

    def prepared(self, gathered: pa.Table | None) -> dict[int, bytes]:
        if gathered is None:
            return {}
        return dict(zip(gathered["sentence"].to_pylist(), gathered["first"].to_pylist(), strict=True))

    def apply(self, document: Document, known: Any) -> str:
        cut = movable.sentences(document.text)
        parts = list(cut.parts)
        for place in self._repeats(document, known):
            inside = movable.words(parts[place])
            order = movable.permutation(len(inside.parts), self.seed_of(document, place)).tolist()
            parts[place] = inside.joined([inside.parts[i] for i in order])
        return cut.joined(parts)

    def measure(self, document: Document, known: Any) -> Shares:
        sentences = len(list(self._sentences(document.text)))
        return {"share of sentences said before": (len(list(self._repeats(document, known))), sentences)}

    def _repeats(self, document: Document, first: dict[int, bytes]) -> Iterator[int]:
        """Places of sentences that are repeats."""
        here: set[int] = set()
        for place, key in self._sentences(document.text):
            if key in first and (first[key] != document.id or key in here):
                yield place
            here.add(key)

    def _sentences(self, text: str) -> Iterator[tuple[int, int]]:
        """Place and hash of the sentences that are long enough; white space does not count."""
        for place, sentence in enumerate(movable.sentences(text).parts):
            if len(movable.words(sentence).parts) >= self.least_words:
                yield place, xxhash.xxh3_64_intdigest(" ".join(sentence.split()).encode("utf8", "surrogatepass"))
