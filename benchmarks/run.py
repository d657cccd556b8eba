"""`make bench`: speed of every annotator, of the heuristics beside datatrove, of a training step, and of few-shot scoring beside
lm-eval. One pinned core."""

from __future__ import annotations

from functools import partial

from benchmarks.agreement import agreement
from benchmarks.few_shot import few_shot
from benchmarks.heuristics import heuristics
from benchmarks.record import keep, median_seconds, pinned
from benchmarks.training import training
from curation.annotators.base import Annotator
from curation.annotators.registry import ANNOTATORS
from curation.sources.base import Row
from curation.sources.environment import Environment
from curation.text.batch import Batch

TEXT_BYTES = 4_000_000


def annotators() -> None:
    """Characters a second of each annotator alone on a fresh batch, and of the batch's views."""
    source = Environment(part="code", budget_bytes=TEXT_BYTES)
    (piece,) = source.plan("bench", ".", TEXT_BYTES)
    texts = [row.text for row in source.read("bench", piece) if isinstance(row, Row)]
    chars = sum(map(len, texts))
    views = median_seconds(
        lambda: (lambda batch: (batch.words.count, batch.lines.count, batch.word_hashes))(Batch.of(texts))
    )
    keep("views: code points, words, lines, hashes", chars / views, "characters/s", chars=chars)
    for name, cls in ANNOTATORS.classes().items():
        annotator = cls.for_examples()
        seconds = median_seconds(partial(_scored, annotator, texts))
        keep(f"annotator {name}, its views included", chars / seconds, "characters/s", chars=chars)


def _scored(annotator: Annotator, texts: list[str]) -> object:
    return annotator.score(Batch.of(texts))


def main() -> None:
    pinned()
    annotators()
    heuristics()
    agreement()
    training()
    few_shot()


if __name__ == "__main__":
    main()
