"""Trained cells of the studies that ran in an output folder, found by the records that those left.

No study's file is needed, and nothing in the folder is executed: a plugin counts only if the reader names its file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ablations.cells.cell_files import CellFiles
from ablations.prompts.task_items import ITEMS
from curation.questions.run_record import STUDY_ENDING
from curation.runtime.identity import IDENTITY
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.parts import read_checked

LARGE = ("groups", "item_sets")  # of an items file


@dataclass(frozen=True)
class RecordedCell:
    """A trained cell as a study's record knows it.

    Attributes:
        out: the output folder; all paths in `entry` and `record` are relative to it.
        name: of the cell's folder.
        entry: the cell's entry in the record.
        record: of the study.
    """

    out: Folder
    name: str
    entry: Mapping[str, Any]
    record: Mapping[str, Any]

    @property
    def folder(self) -> Folder:
        """Of the training."""
        return self.out / str(self.entry["folder"])

    def files(self, plugins: Sequence[Plugin] = ()) -> CellFiles:
        """Where its files are, with the settings of its tasks; the items themselves are large, and `items` reads them.

        Args:
            plugins: files with metrics, which the user named.

        Raises:
            DamagedError: the items of a task are gone, or others.
        """
        measures = {label: self.out / path for label, path in self.entry["measures"].items()}
        about = {task: _about(self.out / path) for task, path in self.entry["items"].items()}
        return CellFiles(self.entry["arm"], int(self.entry["seed"]), self.folder, measures, about, tuple(plugins))

    def items(self, task: str) -> dict[str, Any]:
        """Contents of a task's items file.

        Raises:
            DamagedError: it is gone, or another one.
        """
        return _contents(self.out / self.entry["items"][task])


def recorded_cells(out: Folder, study: str | None = None) -> Iterator[RecordedCell]:
    """The trained cells of one study, or of all whose records are in `out`; a cell of two studies comes once for each."""
    for record in _records(out, study):
        for name, entry in record["cells"].items():
            if (out / entry["folder"]).exists(MANIFEST):
                yield RecordedCell(out, name, entry, record)


def meant(out: Folder, wanted: str) -> list[str]:
    """Names of the cells in `out` that a folder's name, or the beginning of one, matches.

    Where several begin so, those that a study's record names: the others are of earlier settings or of earlier code.
    """
    names = (out / "cells").names()
    found = [name for name in names if name == wanted] or [name for name in names if name.startswith(wanted)]
    recorded = {name for record in _records(out, None) for name in record["cells"]} if len(found) > 1 else set()
    return [name for name in found if name in recorded] or found


def _records(out: Folder, study: str | None) -> Iterator[Mapping[str, Any]]:
    """Records of the present format; those of earlier versions are laid out otherwise."""
    runs = out / "runs"
    for file in runs.names():
        if file.endswith(STUDY_ENDING) and study in (None, file.removesuffix(STUDY_ENDING)):
            record = runs.read_json(file)
            if record.get("identity") == IDENTITY:
                yield record


@lru_cache(maxsize=64)
def _about(folder: Folder) -> dict[str, Any]:
    """An items file without the items; the cells of a study share it."""
    return {key: value for key, value in _contents(folder).items() if key not in LARGE}


def _contents(folder: Folder) -> dict[str, Any]:
    contents: dict[str, Any] = json.loads(read_checked(folder, ITEMS))
    return contents
