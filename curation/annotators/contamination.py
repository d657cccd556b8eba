"""Test questions in documents, by overlap of n-grams.

Sources: Brown et al. 2020, https://arxiv.org/abs/2005.14165, appendix C (n-grams of 13 words); OpenAI 2023,
https://arxiv.org/abs/2303.08774, appendix C (strings of characters, spaces and symbols left out).
"""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from functools import cache, lru_cache
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from curation.annotators.base import Annotator, Column, Scores, Spans
from curation.contamination.matching import QueryIndex, Sizes
from curation.contamination.queries import queries_digest, read_queries
from curation.text.batch import Batch
from curation.text.spans import united


class Contamination(Annotator):
    """Texts of few-shot tasks in a document, and their spans, whose kind is `task:split:field:row`.

    A text is found when the document holds at least `item_share` of its n-grams. N-grams are of letters and digits in lower
    case: of `ngram_chars` in Korean, Chinese and Japanese, else of `ngram_words` words. 40 letters are about as long as 13
    Korean words. A text shorter than an n-gram has to be there whole: anywhere from `least_chars` letters on, as a
    line of its own below. A policy that drops takes `share` or `items`; one that cuts names kinds, such as `korquad`.
    """

    kind: Literal["contamination"] = "contamination"
    version: Literal[1] = 1
    queries: Path  # written by `loam ablate export-queries`
    splits: tuple[str, ...] = Field(default=("dev", "test"), min_length=1)  # with "train" demonstrations are found too
    fields: tuple[str, ...] = ()  # such as "context"; all when empty
    item_share: float = Field(default=0.5, gt=0, le=1)
    ngram_words: int = Field(default=13, ge=4)
    ngram_chars: int = Field(default=40, ge=4)
    least_chars: int = Field(default=20, ge=4)
    least_line_chars: int = Field(default=1, ge=1)

    columns: ClassVar = (
        Column("items", unit="texts of tasks", type="int"),
        Column("whole", unit="texts of tasks, from first to last letter", type="int"),
        Column("share", unit="share of characters", range=(0, 1)),
        Column("spans", unit="texts of tasks", type="spans", range=(None, None)),
    )
    examples: ClassVar = {
        "": (0, 0, 0.0, []),
        "Hello.\nThe river\nis Long, and (wide)!": (1, 1, 28 / 37, [(7, 35, "example:test:question:0")]),
        "so\nYes.\nthe river": (1, 1, 5 / 17, [(3, 8, "example:test:question:1")]),
        "Yes we can": (0, 0, 0.0, []),
    }

    @classmethod
    def for_examples(cls) -> Self:
        return cls(queries=_example_queries())

    def where(self) -> frozenset[str]:
        return frozenset({"queries"})

    def content(self) -> dict[str, str]:
        return {"queries": queries_digest(self.queries)}

    def score(self, batch: Batch) -> Scores:
        index = self.index()
        rows: list[tuple[int, int, int, str]] = []
        covered: list[list[tuple[int, int]]] = [[] for _ in range(len(batch))]
        items, whole = np.zeros(len(batch), np.int64), np.zeros(len(batch), np.int64)
        for overlap in index.overlaps(batch):
            if overlap.share < self.item_share:
                continue
            items[overlap.document] += 1
            whole[overlap.document] += overlap.whole
            covered[overlap.document] += overlap.spans
            kind = index.queries[overlap.query].kind
            rows += [(overlap.document, start, end, kind) for start, end in overlap.spans]
        chars = np.array([sum(end - start for start, end in united(spans)) for spans in covered], np.float64)
        share = chars / np.maximum(batch.chars, 1)
        return {"items": items, "whole": whole, "share": share, "spans": Spans.of(rows, len(batch))}

    def index(self) -> QueryIndex:
        """The index of the queries, built once a process.

        Raises:
            ConfigError, InputError: the file is not there, or holds something else.
        """
        sizes = Sizes(self.ngram_words, self.ngram_chars, self.least_chars, self.least_line_chars)
        return _index(self.queries, queries_digest(self.queries), self.splits, self.fields, sizes)


@lru_cache(maxsize=4)
def _index(path: Path, _: str, splits: tuple[str, ...], fields: tuple[str, ...], sizes: Sizes) -> QueryIndex:
    return QueryIndex(read_queries(path, splits, fields), sizes)


@cache
def _example_queries() -> Path:
    """A file with two questions, removed when the process ends; "no" is a demonstration, which is not looked for."""
    folder = tempfile.mkdtemp(prefix="loam-example-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder, "queries.jsonl")
    texts = (("test", "The river is long and wide."), ("test", "yes!"), ("train", "no"))
    rows = (
        {"task": "example", "split": s, "item": str(i), "field": "question", "text": t}
        for i, (s, t) in enumerate(texts)
    )
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf8")
    return path
