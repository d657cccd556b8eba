"""The outcome of a packed cell, signed where it ran: hashes of what it read and of what it wrote, the machine and the code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ablations.core.cell import TIMING
from ablations.core.data.inputs import input_digests
from ablations.core.measuring import FOLDER
from ablations.core.results.files import write_json
from ablations.core.spec.cell_spec import CELL, CellSpec, read_measuring
from ablations.core.training.weights import TRAINING, Trained
from ablations.elsewhere.runner.pack_folder import PackedCell, content_digest
from curation.runtime.errors import InputError

OUTCOME = "outcome.json"
KEYS = {"format", "cell", "fingerprint", "spec_digest", "machine", "code", "inputs", "measures", "files", "seal"}
FIX = "Bring the archive of that run here again, or run the cell again."
Weights = Literal["last", "all", "none"]


def sign(folder: Path, cell: PackedCell, spec: CellSpec, code: str) -> None:
    """Write the outcome of a cell that is trained and measured; a cell that has one is finished."""
    trained = Trained.read(folder, spec.training)
    assert trained
    weights = [point.file for point in trained.points]
    contents = {name: (folder / name).read_bytes() for name in (*_small(folder), *weights)}
    value: dict[str, Any] = {
        "format": 2,
        "cell": cell.name,
        "fingerprint": cell.fingerprint,
        "spec_digest": spec.training.digest(),
        "machine": cell.machine,
        "code": code,
        "inputs": input_digests(folder, spec.training, read_measuring(folder)),
        "measures": cell.measures,
        "files": {
            name: {"sha256": content_digest(content), "bytes": len(content)} for name, content in contents.items()
        },
    }
    write_json(folder / OUTCOME, {**value, "seal": seal(value)})


def _small(folder: Path) -> list[str]:
    """The files that are sent of every cell: its spec, its outcome and its measures."""
    measures = sorted(f"{FOLDER}/{path.name}" for path in (folder / FOLDER).glob("*.json"))
    return [CELL, TRAINING, TIMING, *measures]


def seal(value: Mapping[str, Any]) -> str:
    """Hash of an outcome without its seal: shows an edit, not a forger."""
    rest = {key: part for key, part in value.items() if key != "seal"}
    return content_digest(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode())


def read_outcome(content: bytes) -> dict[str, Any]:
    """An outcome as it was signed.

    Raises:
        InputError: it is none, or was edited.
    """
    try:
        value: Any = json.loads(content)
    except ValueError as error:
        raise InputError(OUTCOME, f"not JSON ({error})", FIX) from error
    if not isinstance(value, dict) or value.keys() != KEYS or value["format"] != 2 or value["seal"] != seal(value):
        raise InputError(OUTCOME, "was edited after the cell had run, or is of another format", FIX)
    return value


def to_send(folders: Sequence[Path], weights: Weights) -> Iterator[tuple[str, str, bytes]]:
    """(cell, file, content) of finished cells for `write_archives`: what is small of all cells first, then the weights.

    Args:
        weights: those of the end, those along the way too, or none: then the cells cannot be measured again where they go.
    """
    for folder in folders:
        for name in (OUTCOME, *_small(folder)):
            yield folder.name, name, (folder / name).read_bytes()
    for folder in folders:
        for name in wanted(_points(folder), weights):
            if (folder / name).exists():
                yield folder.name, name, (folder / name).read_bytes()


def free_points(folder: Path) -> None:
    """Remove the weights along the way of a cell that was signed; those of the end stay."""
    for name in _points(folder)[:-1]:
        (folder / name).unlink(missing_ok=True)


def wanted(points: Sequence[str], weights: Weights) -> Sequence[str]:
    """Those files of weights, given in the order of steps, that are asked for."""
    return {"none": points[:0], "last": points[-1:], "all": points}[weights]


def _points(folder: Path) -> list[str]:
    """Files of kept weights in the order of steps."""
    return [str(point["file"]) for point in json.loads((folder / TRAINING).read_text(encoding="utf8"))["points"]]
