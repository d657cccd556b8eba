"""What a curation dashboard shows; the report of a study holds the same and more. Any list or mapping may be empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

Named = Annotated[str, Field(alias="pass")]  # in JSON; in Python the word is taken


@dataclass(frozen=True)
class PassCounts:
    """One pass over one source: documents in, kept, dropped by reason; what was cut and replaced in the kept ones.

    `changed`: documents that a transform changed, where the pass is one.
    """

    documents: int
    kept: int
    dropped: Mapping[str, int]
    chars_in: int | None
    chars_out: int | None
    chars_cut: int | None
    bytes_out: int | None
    replaced: Mapping[str, int]
    changed: int | None = None


@dataclass(frozen=True)
class Funnel:
    """One source: rows = curated + dropped (one reason each, named `pass: reason`) + quarantined.

    The other fields are those of `curation.passes.funnel.SourceFunnel`.
    """

    rows: int
    quarantined: int
    quarantine_reasons: Mapping[str, int]
    repaired: Mapping[str, int]
    repeated_ids: Mapping[str, int]
    left_out: tuple[str, ...]
    passes: Mapping[str, PassCounts]
    curated: int
    dropped: Mapping[str, int]


@dataclass(frozen=True)
class SourceHistogram:
    """Documents between neighbouring edges (one edge more than counts), and the bounds of the policy."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    min: float | None
    max: float | None


@dataclass(frozen=True)
class Histogram:
    """Of one score, by source."""

    pass_: Named
    annotator: str
    column: str
    unit: str
    log: bool
    sources: Mapping[str, SourceHistogram]


@dataclass(frozen=True)
class ContaminationRow:
    """One field of a task's split: texts asked for, and by source different texts found and documents that hold one.

    `of` is null when the file of queries has gone or changed since.
    """

    task: str
    split: str
    field: str
    of: int | None
    texts: Mapping[str, int]
    documents: Mapping[str, int]

    @property
    def place(self) -> str:
        return f"{self.task} {self.split} {self.field}"


@dataclass(frozen=True)
class ContaminationTable:
    """Of one annotator in a pass. `documents`: looked at, by source; `tagged`: those that hold a text of a task."""

    pass_: Named
    annotator: str
    documents: Mapping[str, int]
    tagged: Mapping[str, int]
    rows: tuple[ContaminationRow, ...]

    @property
    def sources(self) -> list[str]:
        """Those that hold documents."""
        return [source for source, documents in self.documents.items() if documents]

    @property
    def in_sources(self) -> list[ContaminationRow]:
        """Places whose texts occur in some source."""
        return [row for row in self.rows if any(row.texts.values())]

    @property
    def unfound(self) -> list[str]:
        return [row.place for row in self.rows if not any(row.texts.values())]


@dataclass(frozen=True)
class Fact:
    """A row of the provenance table."""

    what: str
    value: str


@dataclass(frozen=True, kw_only=True)
class CurationRun:
    """Everything a curation dashboard shows."""

    funnel: Mapping[str, Funnel]
    histograms: tuple[Histogram, ...]
    contamination: tuple[ContaminationTable, ...]
    warnings: tuple[str, ...]
    provenance: tuple[Fact, ...]
    config: str
