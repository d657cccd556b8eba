"""The receipt of a job: one small file that says what the job wrote. Half a job can never be taken for a whole one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from curation.runtime.errors import InputError
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.marks import Marks, is_sealed, marks_in, sealed

RECEIPTS = "receipts"
Receipt = dict[str, Any]


def write_receipt(folder: Folder, job: str, seconds: float, result: Mapping[str, Any], files: Marks) -> None:
    """Written after the job's parts."""
    said = {name: list(mark) for name, mark in sorted(files.items())}
    value = {"seconds": round(seconds, 4), **result, "files": said}
    folder.write_json(f"{RECEIPTS}/{job}.json", sealed(value))


def read_receipts(folder: Folder) -> dict[str, Receipt]:
    """Job -> its receipt, of those that are as they were written; jobs with another one are done again."""
    found: dict[str, Receipt] = {}
    for name in (folder / RECEIPTS).names():
        try:
            value = folder.read_json(f"{RECEIPTS}/{name}")
        except InputError:
            continue
        if is_sealed(value):
            found[name.removesuffix(".json")] = value
    return found


def files_of(receipt: Receipt) -> Marks:
    return marks_in(receipt["files"])


def forget(folder: Folder, file: str) -> None:
    """Make a stage unfinished in one file: the jobs that wrote it, and the manifest, count as not done.

    The manifest goes first: whatever interrupts this, nothing is taken for whole.
    """
    folder.remove_file(MANIFEST)
    for job, receipt in read_receipts(folder).items():
        if file in receipt["files"]:
            folder.remove_file(f"{RECEIPTS}/{job}.json")
    if file != MANIFEST:
        folder.remove_file(file)
