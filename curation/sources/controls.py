"""Control corpora, whose in-context-learning outcome is known by construction, as ordinary documents of the pipeline."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from curation.sources import control_texts
from curation.sources.base import Piece, Row, Source, Unreadable

DOCUMENTS_PER_PIECE = 20_000
ControlKind = Literal["glossary", "encyclopedia", "chatter"]


class Controls(Source):
    """Generated control documents.

    Args:
        corpus: `glossary` (a fresh key->value map in each document: induction must emerge), `encyclopedia` (one map for
            all: it must not), `chatter` (values at random: nothing to learn).
        documents: how many.
        tokens: of each document with the control tokenizer, its BOS counted; the context length of the cells.
        seed: another number gives other documents.
        shuffle_values: move the values of each document to other places, which destroys the map and keeps the unigrams.
    """

    kind: Literal["controls"] = "controls"
    version: Literal[1] = 1
    corpus: ControlKind
    documents: int = Field(default=20_000, ge=1)
    tokens: int = Field(default=128, ge=4)
    seed: int = 0
    shuffle_values: bool = False

    def plan(self, name: str, data_root: str, piece_bytes: int) -> list[Piece]:
        content = hashlib.blake2b(inspect.getsource(control_texts).encode(), digest_size=16).hexdigest()
        starts = range(0, self.documents, DOCUMENTS_PER_PIECE)
        ends = [min(start + DOCUMENTS_PER_PIECE, self.documents) for start in starts]
        size = 6 * self.tokens  # bytes of a document, about
        return [Piece("", "", size * (b - a), content, self.corpus, a, b) for a, b in zip(starts, ends, strict=True)]

    def read(self, name: str, piece: Piece) -> Iterator[Row | Unreadable]:
        for index in range(piece.start, piece.end or self.documents):
            text = control_texts.document(self.corpus, self.seed, index, self.tokens, self.shuffle_values)
            yield Row(text, self.corpus, index)
