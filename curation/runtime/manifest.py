"""The manifest of a stage: what it was, what came in and went out, what it cost. Its existence means the stage is whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from curation.runtime.errors import InputError
from curation.runtime.identity import fingerprint, short
from curation.runtime.store import MANIFEST, Folder

VERSION = 1


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
        parts: one mapping a file written, in order: `file`, `rows`, and what the stage adds.
        counts: documents in and out, with reasons.
        cost: seconds of the stage (`wall_seconds`) and of its jobs together (`work_seconds`), and when it was finished.
    """

    stage: str
    name: str
    what: Mapping[str, Any]
    parts: Sequence[Mapping[str, Any]]
    counts: Mapping[str, Any] = field(default_factory=dict)
    cost: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.what)

    def save(self, folder: Folder) -> None:
        folder.write_json(
            MANIFEST,
            {
                "version": VERSION,
                "stage": self.stage,
                "name": self.name,
                "fingerprint": self.fingerprint,
                "what": self.what,
                "parts": list(self.parts),
                "counts": self.counts,
                "cost": self.cost,
                "code": code_version(),
            },
        )

    @classmethod
    def load(cls, folder: Folder) -> Manifest:
        value = folder.read_json(MANIFEST)
        if value.get("version") != VERSION:
            raise InputError(
                f"{folder.url}/{MANIFEST}",
                f"manifest version {value.get('version')}, this program reads {VERSION}",
                "Use the program that wrote it, or another --out.",
            )
        missing = [key for key in ("stage", "name", "what", "parts", "counts", "cost") if key not in value]
        if missing:
            found = f"no {missing[0]!r} in it"
            raise InputError(f"{folder.url}/{MANIFEST}", found, "Remove its folder and run again.")
        return cls(value["stage"], value["name"], value["what"], value["parts"], value["counts"], value["cost"])


def stage_folder(out: Folder, stage: str, name: str, what: Mapping[str, Any]) -> Folder:
    """`<out>/<stage>/<name>-<12 hex of the fingerprint of what>`."""
    return out / stage / f"{name}-{short(fingerprint(what))}"


def finished(folder: Folder, what: Mapping[str, Any]) -> Manifest | None:
    """The manifest if the stage is whole, else None.

    Raises:
        InputError: the folder holds another computation with the same 12 digits.
    """
    if not folder.exists(MANIFEST):
        return None
    manifest = Manifest.load(folder)
    if manifest.fingerprint != fingerprint(what):
        raise InputError(folder.url, "holds the result of another computation", "Move it away and run again.")
    return manifest
