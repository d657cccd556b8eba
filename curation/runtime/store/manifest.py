"""The manifest of a stage: what it was, what came in and went out, what it cost, and size and hash of every file.

Its existence means the stage is whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from curation.runtime.errors import DamagedError, InputError
from curation.runtime.identity import fingerprint, short
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.marks import SEAL, Mark, Marks, is_sealed, marks_in, sealed

VERSION = 2
READ_AT_START_BYTES = 64 * 2**20  # of a stage: hashed in a few hundredths of a second
READ_AT_ALL_STARTS_BYTES = 2**30  # of all stages in a process
KEYS = ("stage", "name", "what", "parts", "files", "counts", "cost")


@cache
def code_version() -> str:
    """The version of the installed distribution, for the record; fingerprints hold the versions of rules instead."""
    import importlib.metadata

    try:
        return importlib.metadata.version("loam-corpora")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


@dataclass(frozen=True)
class Manifest:
    """One stage's result.

    Attributes:
        stage, name: which stage, and of what (a source, an annotator, a tokenizer).
        what: everything that changed bytes; `fingerprint` is its hash.
        parts: one mapping a part, in order: `file`, `rows`, and what the stage adds.
        counts: documents in and out, with reasons.
        cost: seconds of the stage (`wall_seconds`) and of its jobs together (`work_seconds`), and when it was finished.
        files: size and hash of every file that the stage wrote, by its path.
        away: the same of files that belong to the result and lie elsewhere: weights that stayed on another machine, or were freed.
        adopted: where the result came from, if not from a run under this identity; else empty.
    """

    stage: str
    name: str
    what: Mapping[str, Any]
    parts: Sequence[Mapping[str, Any]]
    counts: Mapping[str, Any] = field(default_factory=dict)
    cost: Mapping[str, Any] = field(default_factory=dict)
    files: Marks = field(default_factory=dict)
    away: Marks = field(default_factory=dict)
    adopted: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.what)

    def save(self, folder: Folder) -> None:
        value = {
            "version": VERSION,
            "stage": self.stage,
            "name": self.name,
            "fingerprint": self.fingerprint,
            "what": self.what,
            "parts": list(self.parts),
            "files": {name: list(mark) for name, mark in self.files.items()},
            "away": {name: list(mark) for name, mark in self.away.items()},
            "counts": self.counts,
            "cost": self.cost,
            **({"adopted": self.adopted} if self.adopted else {}),
            "code": code_version(),
        }
        folder.write_json(MANIFEST, sealed(value))

    @classmethod
    def load(cls, folder: Folder) -> Manifest:
        """The manifest of a finished stage.

        Raises:
            InputError: there is none, or one of another version.
            DamagedError: it is not as it was written.
        """
        value = _read(folder)
        if not is_sealed(value) and (SEAL in value or value.get("version") == VERSION):  # the first version had no seal
            raise DamagedError(folder.url, MANIFEST, "is not as it was written")
        if value.get("version") != VERSION:
            raise InputError(
                f"{folder.url}/{MANIFEST}",
                f"manifest version {value.get('version')}, this program reads {VERSION}",
                "Run again: what is missing is made anew beside it. Or use the program that wrote it.",
            )
        assert all(key in value for key in KEYS)
        return cls(
            value["stage"], value["name"], value["what"], value["parts"], value["counts"], value["cost"],
            marks_in(value["files"]), marks_in(value.get("away", {})), value.get("adopted", {}),
        )  # fmt: skip


def _read(folder: Folder) -> dict[str, Any]:
    try:
        return folder.read_json(MANIFEST)
    except InputError as error:
        if not folder.exists(MANIFEST):
            raise
        raise DamagedError(folder.url, MANIFEST, error.found) from error


def stage_folder(out: Folder, stage: str, name: str, what: Mapping[str, Any]) -> Folder:
    """`<out>/<stage>/<name>-<12 hex of the fingerprint of what>`."""
    return out / stage / f"{name}-{short(fingerprint(what))}"


def finished(folder: Folder, what: Mapping[str, Any]) -> Manifest | None:
    """The manifest if the stage was finished, else None. Whether its files are still whole, `damage` says.

    Raises:
        InputError: the folder holds another computation with the same 12 digits.
        DamagedError: the manifest is not as it was written.
    """
    if not folder.exists(MANIFEST):
        return None
    manifest = Manifest.load(folder)
    if manifest.fingerprint != fingerprint(what):
        raise InputError(folder.url, "holds the result of another computation", "Move it away and run again.")
    return manifest


def damage(folder: Folder, files: Marks) -> list[DamagedError]:
    """Files that are gone or have another size; contents are checked when they are read."""
    sizes = folder.sizes() if files else {}
    damaged = []
    for name, mark in files.items():
        if name not in sizes:
            damaged.append(DamagedError(folder.url, name, "the file is gone"))
        elif sizes[name] != mark.size:
            damaged.append(DamagedError(folder.url, name, f"has {sizes[name]:,} bytes instead of {mark.size:,}"))
    return damaged


def damage_at_start(folder: Folder, files: Marks) -> list[DamagedError]:
    """The same, and other contents where the files together are small enough to be read at every start: so a run that has
    nothing to do still notices damage."""
    damaged, size = damage(folder, files), sum(mark.size for mark in files.values())
    if damaged or not folder.is_local or size > READ_AT_START_BYTES or not _may_read(folder, size):
        return damaged
    changed = [name for name, mark in files.items() if Mark.of_file(f"{folder.url}/{name}") != mark]
    return [DamagedError(folder.url, name, "its content is not the one that was written") for name in changed]


_read_at_start: dict[str, int] = {}


def _may_read(folder: Folder, size: int) -> bool:
    """Whether there is room for it in what a process reads at all starts; a folder counts once."""
    if folder.url in _read_at_start:
        return True
    fits = sum(_read_at_start.values()) + size <= READ_AT_ALL_STARTS_BYTES
    if fits:
        _read_at_start[folder.url] = size
    return fits
