"""Documents of a run to read: removed ones with their reasons, or kept ones. Always the same ones, by hash."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice
from typing import Any

from typing_extensions import TypedDict

from curation.questions.run_record import RunRecord
from curation.runtime.errors import ConfigError, one_of
from curation.runtime.identity import share
from curation.runtime.progress import meter
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.shards import row_groups

REMOVED = "removed"


class SampledDocument(TypedDict):
    id: str
    source: str
    reason: str
    text: str


class QuarantinedRow(TypedDict):
    """A row that could not be read, by file and offset in it."""

    source: str
    file: str
    offset: int
    reason: str


def sample(
    run: RunRecord, which: str, n: int, source: str | None = None, pass_: str | None = None, reason: str | None = None
) -> list[SampledDocument]:
    """`n` documents that were removed or kept.

    Raises:
        ConfigError: an unknown source, pass or reason.
    """
    reason = reason.rpartition(": ")[2] if reason else None  # as the funnel shows it, or without its pass
    rows = _removed_documents(run, source, pass_, reason) if which == REMOVED else _kept_documents(run, source, pass_)
    with meter("choose documents", 1):
        chosen = heapq.nsmallest(n, rows, key=lambda row: share(row["id"], "sample"))
    return [
        SampledDocument(id=row["id"].hex(), source=row["source"], reason=row["reason"], text=row["text"])
        for row in chosen
    ]


def _removed_documents(
    run: RunRecord, source: str | None, pass_: str | None, reason: str | None
) -> Iterator[dict[str, Any]]:
    reasons: set[str] = set()
    any_shown = False
    for name in run.sources(source):
        for p in _passes(run, pass_):
            folder = run.folder(name, p, "curated")
            manifest = Manifest.load(folder)
            reasons |= set(manifest.counts["dropped"])
            for part in manifest.parts:
                for table in row_groups(folder, f"samples/{part['file']}", ["id", "source", "reason", "text"]):
                    for row in table.to_pylist():
                        if reason is None or row["reason"] == reason:
                            any_shown = True
                            yield {**row, "reason": f"{p}: {row['reason']}"}
    if reason is not None and not any_shown and reason not in reasons:
        raise ConfigError(f"--reason: {one_of(reasons, reason, 'reason')}")


def _kept_documents(run: RunRecord, source: str | None, pass_: str | None) -> Iterator[dict[str, Any]]:
    name = run.pass_(pass_).name
    for of_source in run.sources(source):
        folder = run.folder(of_source, name, "curated")
        for part in Manifest.load(folder).parts:
            for table in row_groups(folder, part["file"], ["id", "source", "text"]):
                yield from ({**row, "reason": "kept"} for row in table.to_pylist())


def quarantined(run: RunRecord, n: int, source: str | None = None) -> list[QuarantinedRow]:
    """The first `n` rows that could not be read."""
    return list(islice(_quarantined(run, source), n))


def _quarantined(run: RunRecord, source: str | None) -> Iterator[QuarantinedRow]:
    for name in run.sources(source):
        folder = run.raw(name)
        for file in (folder / "quarantine").names():
            for table in row_groups(folder, f"quarantine/{file}", ["source", "file", "offset", "reason"]):
                yield from table.to_pylist()


def _passes(run: RunRecord, pass_: str | None) -> list[str]:
    return [run.pass_(pass_).name] if pass_ else [p.name for p in run.recipe.passes]
