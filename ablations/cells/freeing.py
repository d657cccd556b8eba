"""Frees the weights that finished cells kept along the way: what was measured of them stays, new curves cannot be made."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ablations.cells.cell_folder import WEIGHTS
from curation.runtime.errors import LoamError
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.manifest import Manifest

ENDING = ".safetensors"
CELLS = "cells"


@dataclass(frozen=True)
class AlongTheWay:
    """A finished cell's weights at its evaluation points, those of the end left out."""

    cell: Folder
    manifest: Manifest
    files: tuple[str, ...]

    @property
    def bytes(self) -> int:
        return sum(self.manifest.files[name].size for name in self.files)

    def free(self) -> None:
        """The manifest lists them as away before they are removed: an interruption then leaves no file missing that it lists."""
        files = {name: mark for name, mark in self.manifest.files.items() if name not in self.files}
        away = {**self.manifest.away, **{name: self.manifest.files[name] for name in self.files}}
        dataclasses.replace(self.manifest, files=files, away=away).save(self.cell)
        for name in self.files:
            self.cell.remove_file(name)


@dataclass(frozen=True)
class CellWeights:
    """A cell's weights along the way: how many files and bytes."""

    cell: str
    files: int
    bytes: int


@dataclass(frozen=True)
class FreedWeights:
    """All cells that have weights along the way, and whether those were removed."""

    cells: Sequence[CellWeights]
    removed: bool


def free(out: Folder, remove: bool) -> FreedWeights:
    """Find weights along the way, and remove them if that is asked for."""
    listed = list(along_the_way(out))
    weights = [CellWeights(each.cell.name, len(each.files), each.bytes) for each in listed]
    for each in listed if remove else ():
        each.free()
    return FreedWeights(weights, remove)


def along_the_way(out: Folder) -> Iterator[AlongTheWay]:
    """Of every finished cell below `out` that has such weights; cells that are still trained keep theirs."""
    for name in (out / CELLS).names():
        folder = out / CELLS / name
        if folder.is_link or not folder.exists(MANIFEST):
            continue
        try:
            manifest = Manifest.load(folder)
        except LoamError:
            continue  # of an earlier version, or damaged: `loam verify` reports it
        files = tuple(file for file in manifest.files if file.endswith(ENDING) and file != WEIGHTS)
        if files:
            yield AlongTheWay(folder, manifest, files)
