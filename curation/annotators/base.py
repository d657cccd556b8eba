"""The contract of an annotator: a batch in, one array a column out. It names no threshold and drops nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from curation.runtime.config import Config
from curation.runtime.registry import Plugin, plugin_digest
from curation.text import batch as views
from curation.text.batch import Batch

ColumnType = Literal["int", "float", "bool", "string", "hash", "spans", "bands"]


@dataclass(frozen=True)
class Column:
    """One score, and its meaning for readers of the report.

    Args:
        name: of the column; the policy addresses it as `annotator.name`.
        unit: such as "words" or "share of characters".
        type: of the values; "hash" is 16 bytes, "spans" a list of (start, end, kind) in code points, "bands" a list of 64-bit
            hashes. A policy finds what to cut or replace in a column called `spans`, duplicates in one called `hash`, and
            near-duplicates in one called `bands`. A span that is meant as a whole line includes its newline.
        range: least and greatest possible value, None where there is no limit.
    """

    name: str
    unit: str = ""
    type: ColumnType = "float"
    range: tuple[float | None, float | None] = (0, None)


@dataclass(frozen=True)
class Spans:
    """Spans of a batch's documents, ordered by document and start.

    Attributes:
        document: index of the document each span lies in.
        start, end: code points in that document.
        kind: what each span is, for policies that treat kinds differently.
        documents: number of documents.
    """

    document: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    kind: Sequence[str]
    documents: int

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int, str]], documents: int) -> Spans:
        """From (document, start, end, kind) rows in any order."""
        ordered = sorted(rows)
        numbers = np.array([row[:3] for row in ordered], np.int64).reshape(-1, 3)
        document, start, end = (np.ascontiguousarray(numbers[:, i]) for i in range(3))
        return cls(document, start, end, [row[3] for row in ordered], documents)

    def per_document(self) -> list[list[tuple[int, int, str]]]:
        lists: list[list[tuple[int, int, str]]] = [[] for _ in range(self.documents)]
        for d, start, end, kind in zip(self.document, self.start, self.end, self.kind, strict=True):
            lists[d].append((int(start), int(end), kind))
        return lists

    @property
    def count(self) -> npt.NDArray[np.int64]:
        return np.bincount(self.document, minlength=self.documents).astype(np.int64)


@dataclass(frozen=True)
class Bands:
    """Band hashes of a batch's documents, by which near-duplicates are found.

    Attributes:
        values: shape (documents, bands).
        present: False for a document that has none, such as an empty one.
    """

    values: npt.NDArray[np.uint64]
    present: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.present)

    def per_document(self) -> list[list[int]]:
        return [row if there else [] for row, there in zip(self.values.tolist(), self.present, strict=True)]


Values = npt.NDArray[Any] | Sequence[Any] | Spans | Bands
Scores = dict[str, Values]


class Annotator(Config, ABC):
    """One rule family. A subclass in its own file under `annotators/` is all that is needed to add one.

    `examples` maps a text to its expected values in the order of `columns` (spans as lists of tuples, None = not compared);
    they are the annotator's tests and appear in the docs.
    """

    kind: str
    version: int
    name: str = Field(default="", pattern=r"^([a-z0-9][a-z0-9_]*)?$")  # for one used twice with different settings

    columns: ClassVar[tuple[Column, ...]]
    examples: ClassVar[Mapping[str, tuple[Any, ...]]]
    language_model_key: ClassVar[str | None] = (
        None  # setting that names one of the recipe's `models`, or a model's folder
    )

    @property
    def label(self) -> str:
        """Its name in policies, folders and reports."""
        return self.name or self.kind

    @classmethod
    def for_examples(cls) -> Self:
        """An instance for `examples`; an annotator that needs a file overrides this and writes a small one."""
        return cls.model_validate({})

    @abstractmethod
    def score(self, batch: Batch) -> Scores:
        """One array of `len(batch)` values for each column; a document's values depend on its text alone."""

    def content(self) -> dict[str, str]:
        """Hashes of files that its values depend on (models, lists); overridden by annotators that have such files."""
        return {}

    def where(self) -> frozenset[str]:
        """Fields that hold the path of a file; the fingerprint holds `content` instead."""
        return frozenset()

    def what(self) -> dict[str, Any]:
        """Everything that its values depend on."""
        settings = self.model_dump(mode="json", exclude=set(self.where()) | {"name"})
        content = {**self.content(), "plugin": plugin_digest(type(self))}
        return {"annotator": settings, "content": content, "views": views.VERSION}

    def with_plugins(self, plugins: Sequence[Plugin]) -> Self:
        """Hand over the run's plugins; for annotators that look up members of their own, such as entities."""
        return self

    def entities_found(self) -> Sequence[str] | None:
        """Names of the entities that its spans may be; with None the spans that it found are read instead."""
        return None

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


def rows_of(annotator: Annotator, scores: Scores) -> Iterator[tuple[Any, ...]]:
    """The scores document by document, in the order of the columns; used by tests and by `explain`."""
    columns = [_listed(scores[column.name]) for column in annotator.columns]
    yield from zip(*columns, strict=True)


def _listed(values: Values) -> list[Any]:
    if isinstance(values, Spans | Bands):
        return values.per_document()
    return values.tolist() if isinstance(values, np.ndarray) else list(values)
