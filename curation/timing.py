"""How long the documents of a recipe take on this machine, from the first few of each source."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import zstandard

from curation.annotators.base import Annotator
from curation.passes import language_models
from curation.recipes import named_models
from curation.recipes.recipe import Pass, Recipe
from curation.sources.base import Piece, Row
from curation.sources.jsonl import is_compressed
from curation.text.batch import Batch
from curation.text.normal import document_form

DOCUMENTS = 200
LANGUAGE_MODEL_BYTES_PER_SECOND = 6e6  # assumed of models that the run will train


@dataclass(frozen=True)
class SourceCost:
    """Bytes of text and CPU seconds of one source, estimated from its first documents.

    Attributes:
        text_bytes: of all its documents, extrapolated from the sizes of its files.
        read_seconds, annotate_seconds: CPU seconds for all of them, over all passes.
    """

    source: str
    documents_seen: int
    text_bytes: float
    read_seconds: float
    annotate_seconds: float


def time_documents(recipe: Recipe) -> list[SourceCost]:
    """Read and score the first documents of every source, in this process."""
    _warm(recipe)
    return [_time_source(recipe, name) for name in recipe.sources]


def _warm(recipe: Recipe) -> None:
    """Load models and tables, which every worker does once."""
    for pass_ in recipe.passes:
        for annotator in _scoring(recipe, pass_):
            annotator.score(Batch.of(["a few words, to load what has to be loaded"]))


def _time_source(recipe: Recipe, name: str) -> SourceCost:
    pieces = recipe.built_sources[name].plan(name, recipe.root, recipe.shard_bytes)
    started = time.perf_counter()
    texts = [document_form(row.text, recipe.normal_form) for row in islice(_rows(recipe, name, pieces), DOCUMENTS)]
    read = time.perf_counter() - started
    started = time.perf_counter()
    for pass_ in recipe.passes:
        batch = Batch.of(texts)
        for annotator in _scoring(recipe, pass_):
            annotator.score(batch)
    annotated = time.perf_counter() - started
    data = "\n".join(texts).encode("utf8")
    untrained = sum(len(named_models.untrained(recipe, pass_)) for pass_ in recipe.passes)
    annotated += untrained * len(data) / LANGUAGE_MODEL_BYTES_PER_SECOND
    size = sum(piece.bytes for piece in pieces) * _expansion(pieces, data)
    scale = size / max(1, len(data))
    return SourceCost(name, len(texts), size, read * scale, annotated * scale)


def _scoring(recipe: Recipe, pass_: Pass) -> list[Annotator]:
    """The annotators that can score now: a language model that the run will train is not there yet."""
    ready = recipe.annotators(language_models.with_folders(recipe, pass_, {}))
    untrained = named_models.untrained(recipe, pass_)
    return [annotator for label, annotator in ready.items() if label not in untrained]


def _rows(recipe: Recipe, name: str, pieces: list[Piece]) -> Iterator[Row]:
    source = recipe.built_sources[name]
    for piece in pieces:
        yield from (row for row in source.read(name, piece) if isinstance(row, Row))


def _expansion(pieces: list[Piece], data: bytes) -> float:
    """Bytes of text in a byte of file: compression is measured on the documents seen."""
    if data and any(is_compressed(piece.location) for piece in pieces):
        return len(data) / len(zstandard.compress(data, 10))
    return 1.0
