"""What a packed cell came to, signed where it ran: hashes of what it read and of what it wrote, the machine and the code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablations.core.files import write_json
from ablations.core.inputs import input_digests
from ablations.core.pack_folder import PackedCell, digest
from ablations.core.spec import CellSpec
from curation.runtime.errors import InputError

OUTCOME = "outcome.json"
SMALL = ("cell.json", "result.json", "timing.json")
WEIGHTS = "model.safetensors"
KEYS = {"format", "cell", "fingerprint", "spec_digest", "machine", "code", "inputs", "files", "seal"}
FIX = "Bring the archive of that run here again, or run the cell again."


def sign(folder: Path, cell: PackedCell, spec: CellSpec, code: str) -> None:
    """Write the outcome of a cell whose result.json is there; a cell that has one is finished."""
    contents = {name: (folder / name).read_bytes() for name in (*SMALL, WEIGHTS)}
    value: dict[str, Any] = {
        "format": 1,
        "cell": cell.name,
        "fingerprint": cell.fingerprint,
        "spec_digest": spec.digest(),
        "machine": cell.machine,
        "code": code,
        "inputs": input_digests(folder, spec),
        "files": {name: {"sha256": digest(content), "bytes": len(content)} for name, content in contents.items()},
    }
    write_json(folder / OUTCOME, {**value, "seal": seal(value)})


def seal(value: Mapping[str, Any]) -> str:
    """Hash of an outcome without its seal: shows an edit, not a forger."""
    rest = {key: part for key, part in value.items() if key != "seal"}
    return digest(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode())


def read_outcome(content: bytes) -> dict[str, Any]:
    """An outcome as it was signed.

    Raises:
        InputError: it is none, or was edited.
    """
    try:
        value: Any = json.loads(content)
    except ValueError as error:
        raise InputError(OUTCOME, f"not JSON ({error})", FIX) from error
    if not isinstance(value, dict) or value.keys() != KEYS or value["format"] != 1 or value["seal"] != seal(value):
        raise InputError(OUTCOME, "was edited after the cell had run, or is of another format", FIX)
    return value


def to_send(folders: Sequence[Path], weights: bool) -> Iterator[tuple[str, str, bytes]]:
    """(cell, file, content) of finished cells for `write_archives`: what is small of all cells first, then the weights."""
    for folder in folders:
        for name in (OUTCOME, *SMALL):
            yield folder.name, name, (folder / name).read_bytes()
    for folder in folders if weights else ():
        yield folder.name, WEIGHTS, (folder / WEIGHTS).read_bytes()
