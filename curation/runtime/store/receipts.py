"""The receipt of a job: one small file that lists what the job wrote. Half a job can never be taken for a whole one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from curation.runtime.errors import InputError
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.marks import Marks, is_sealed, marks_in, sealed

RECEIPTS = "receipts"


@dataclass(frozen=True)
class Result:
    """What one job did for one output of its stage.

    Attributes:
        parts: what it wrote, in order: `file`, `rows`, and what the stage adds.
        counts: numbers that are summed over the jobs.
        seconds: of this output alone, when the job worked for several at once; else its clock counts.
        away: files that belong to the result and lie elsewhere.
    """

    parts: Sequence[Mapping[str, Any]]
    counts: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    away: Marks = field(default_factory=dict)


@dataclass(frozen=True)
class Receipt:
    """A finished job: its result, the seconds that it took, and every file that it wrote."""

    result: Result
    seconds: float
    files: Marks


def write_receipt(folder: Folder, job: str, seconds: float, result: Result, files: Marks) -> None:
    """Written after the job's parts."""
    value = {
        "seconds": round(seconds if result.seconds is None else result.seconds, 4),
        "parts": list(result.parts),
        "counts": result.counts,
        **({"away": _as_lists(result.away)} if result.away else {}),
        "files": _as_lists(dict(sorted(files.items()))),
    }
    folder.write_json(f"{RECEIPTS}/{job}.json", sealed(value))


def _as_lists(marks: Marks) -> dict[str, list[Any]]:
    return {name: list(mark) for name, mark in marks.items()}


def read_receipts(folder: Folder) -> dict[str, Receipt]:
    """Job -> its receipt, of those that are as they were written; jobs with another one are done again."""
    receipts: dict[str, Receipt] = {}
    for name in (folder / RECEIPTS).names():
        try:
            value = folder.read_json(f"{RECEIPTS}/{name}")
        except InputError:
            continue
        if is_sealed(value):
            receipts[name.removesuffix(".json")] = _receipt(value)
    return receipts


def _receipt(value: Mapping[str, Any]) -> Receipt:
    away = marks_in(value.get("away", {}))
    result = Result(value.get("parts", []), value.get("counts", {}), away=away)
    return Receipt(result, float(value["seconds"]), marks_in(value["files"]))


def forget(folder: Folder, file: str) -> None:
    """Make a stage unfinished in one file: the jobs that wrote it, and the manifest, count as not done.

    The manifest goes first: whatever interrupts this, nothing is taken for whole.
    """
    folder.remove_file(MANIFEST)
    for job, receipt in read_receipts(folder).items():
        if file in receipt.files:
            folder.remove_file(f"{RECEIPTS}/{job}.json")
    if file != MANIFEST:
        folder.remove_file(file)
