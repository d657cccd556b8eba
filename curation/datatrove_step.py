"""Our annotators as a step of a datatrove pipeline: scores go into each document's metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from datatrove.data import Document, DocumentsPipeline
from datatrove.pipeline.base import PipelineStep

from curation.annotators.base import rows_of
from curation.annotators.registry import make_all
from curation.text.batch import BATCH_CHARS, Batch


class Annotate(PipelineStep):  # type: ignore[misc]
    """Scores every document that passes through and drops none.

    Args:
        annotators: as a recipe names them, such as `["gopher_words", {"kind": "language"}]`.
        limit_chars: characters scored together.
    """

    name = "Loam annotators"
    type = "ANNOTATE"

    def __init__(self, annotators: Sequence[str | Mapping[str, Any]], limit_chars: int = BATCH_CHARS) -> None:
        super().__init__()
        entries = [{"kind": entry} if isinstance(entry, str) else dict(entry) for entry in annotators]
        self.annotators = make_all(entries, (), "Annotate")
        self.limit_chars = limit_chars

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        """`document.metadata[annotator][column]` for every document, in order."""
        held: list[Document] = []
        size = 0
        for document in data:
            held.append(document)
            size += len(document.text)
            if size >= self.limit_chars:
                yield from self._scored(held)
                held, size = [], 0
        yield from self._scored(held)

    def _scored(self, documents: Sequence[Document]) -> Iterator[Document]:
        batch = Batch.of(document.text for document in documents)
        for label, annotator in self.annotators.items() if documents else ():
            names = [column.name for column in annotator.columns]
            for document, values in zip(documents, rows_of(annotator, annotator.score(batch)), strict=True):
                document.metadata[label] = dict(zip(names, values, strict=True))
        yield from documents
