"""What a curation dashboard is made of: plain JSON. The study report has the same keys and more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict


class PassCounts(TypedDict):
    """One pass over one source: documents in, kept, dropped by reason; what was cut and replaced in the kept ones."""

    documents: int
    kept: int
    dropped: Mapping[str, int]
    chars_in: int | None
    chars_out: int | None
    chars_cut: int | None
    bytes_out: int | None
    replaced: Mapping[str, int]


class Funnel(TypedDict):
    """One source: rows = curated + dropped (one reason each, named `pass: reason`) + quarantined."""

    rows: int
    quarantined: int
    quarantine_reasons: Mapping[str, int]
    curated: int
    dropped: Mapping[str, int]
    passes: Mapping[str, PassCounts]


class SourceHistogram(TypedDict):
    """Documents between neighbouring edges (one edge more than counts), and the bounds of the policy."""

    edges: list[float]
    counts: list[int]
    min: float | None
    max: float | None


# "pass" is a Python keyword, so this one cannot be written as a class.
Histogram = TypedDict(
    "Histogram",
    {
        "pass": str,
        "annotator": str,
        "column": str,
        "unit": str,
        "log": bool,
        "sources": Mapping[str, SourceHistogram],
    },
)


class ContaminationRow(TypedDict):
    """One field of a task's split: texts asked for, and by source different texts found and documents that hold one."""

    task: str
    split: str
    field: str
    of: int | None
    texts: Mapping[str, int]
    documents: Mapping[str, int]


# "pass" is a Python keyword here too. `documents`: looked at, by source; `tagged`: those that hold a text of a task.
Contamination = TypedDict(
    "Contamination",
    {
        "pass": str,
        "annotator": str,
        "documents": Mapping[str, int],
        "tagged": Mapping[str, int],
        "rows": list[ContaminationRow],
    },
)


class Fact(TypedDict):
    """A row of the provenance table."""

    what: str
    value: str


class CurationRun(TypedDict):
    """Everything a curation dashboard shows."""

    funnel: Mapping[str, Funnel]
    histograms: list[Histogram]
    contamination: list[Contamination]
    warnings: list[str]
    provenance: list[Fact]
    config: str
