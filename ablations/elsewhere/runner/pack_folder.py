"""A folder of packed cells, as `loam ablate pack` writes it and `run_all` runs it.

pack.json             the study's name, fingerprint of the code, and of each cell its identity and files
cells/<name>/         a cell's folder: cell.json, and once it is laid out everything else
blobs/<hash>.gz       every file that cells need, once, compressed, named by the SHA-256 of its content
code/                 the code that runs them
results/              what came out, written by `run_all`
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ablations.core.spec.cell_spec import CellSpec, read_spec
from ablations.core.spec.strict import build
from ablations.elsewhere.runner.sources import fingerprint
from curation.runtime.errors import ConfigError, InputError
from curation.runtime.whole_files import link, write_whole

PACK, BLOBS, CELLS, CODE, RESULTS = "pack.json", "blobs", "cells", "code", "results"
UNPACKED = "unpacked"
FIX = "Copy the folder again, whole, or pack it again."


@dataclass(frozen=True)
class PackedCell:
    """One cell of the study.

    Attributes:
        fingerprint, spec_digest: identity of its training, and digest of that one's spec.
        machine: that it is planned for.
        files: path in its folder -> blob.
        measures: label of each measure -> identity of what is measured, whatever the weights are.
    """

    name: str
    fingerprint: str
    spec_digest: str
    machine: dict[str, str]
    files: dict[str, str]
    measures: dict[str, str]


@dataclass(frozen=True)
class Pack:
    """Contents of pack.json."""

    study: str
    code: str
    cells: tuple[PackedCell, ...]
    format: Literal[2] = 2


def content_digest(content: bytes) -> str:
    """The name of a blob."""
    return hashlib.sha256(content).hexdigest()


def read_pack(folder: Path) -> Pack:
    """What a folder of packed cells holds.

    Raises:
        ConfigError: it is none.
    """
    path = folder / PACK
    try:
        return build(Pack, json.loads(path.read_text(encoding="utf8")), str(path))
    except OSError as error:
        problem = error.strerror or str(error)
        raise ConfigError(f"{path}: {problem}. Give a folder that `loam ablate pack` wrote.") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON ({error}). {FIX}") from error


def check_code(pack: Pack, folder: Path) -> None:
    """Refuse to run packed cells with another code than they were packed with.

    Raises:
        ConfigError: names the command that runs them with theirs.
    """
    if pack.code != fingerprint():
        raise ConfigError(
            f"{folder}: was packed with other code ({pack.code[:12]}) than the one that runs ({fingerprint()[:12]}). "
            f"Run its own: cd {folder / CODE} && python -m ablations.elsewhere.runner .. (if that is refused too: {FIX})"
        )


def lay_out(folder: Path, cell: PackedCell) -> tuple[Path, CellSpec]:
    """The folder of a cell with all its files in place, and its spec.

    Raises:
        InputError: a file is missing or was changed on the way.
        ConfigError: its cell.json was.
    """
    path = folder / CELLS / cell.name
    spec = read_spec(path)
    if spec.training.digest() != cell.spec_digest:
        raise ConfigError(f"{path / 'cell.json'}: was changed after it was packed. {FIX}")
    for name, blob in cell.files.items():
        target = path / name
        if not target.resolve().is_relative_to(path.resolve()):
            raise ConfigError(f"{folder / PACK}: cell {cell.name}: {name!r} lies outside the cell. {FIX}")
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            link(_unpacked(folder, blob), target)
        elif content_digest(target.read_bytes()) != blob:
            raise InputError(str(target), "holds other bytes than were packed", FIX)
    return path, spec


def _unpacked(folder: Path, blob: str) -> Path:
    """The content of a blob as a file, checked once; cells of a pack share it."""
    plain, packed = folder / UNPACKED / blob, folder / BLOBS / f"{blob}.gz"
    if not plain.exists():
        try:
            content = gzip.decompress(packed.read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(str(packed), f"cannot be read ({error})", FIX) from error
        if content_digest(content) != blob:
            raise InputError(str(packed), "does not match the hash in its name", FIX)
        plain.parent.mkdir(exist_ok=True)
        write_whole(plain, content)
    return plain
