"""The trained cell that a user means, and what made its tokens: one finder for all commands that take a CELL."""

from __future__ import annotations

import os

from ablations.cells.cell_folder import TRAINING
from ablations.cells.cells import STAGE
from ablations.cells.recorded_cells import RecordedCell, meant, recorded_cells
from ablations.core.spec.cell_spec import CELL
from curation.runtime.errors import ConfigError, one_of
from curation.runtime.identity import short
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.manifest import Manifest

NAME_IT = "Name the folder of its tokenizer.model with --tokenizer."


def named_cell(cell: str, out: Folder) -> Folder:
    """The folder of a trained cell: by its path, by its name in `<out>/cells`, or by the beginning of that name.

    Raises:
        ConfigError: there is none, several begin so, or it is not trained.
    """
    folder = Folder(cell.rstrip("/") if "://" in cell else os.path.abspath(cell))
    if not folder.exists(CELL):
        cells, names = out / STAGE, meant(out, cell)
        if not names:
            known = one_of(cells.names(), cell, "cell")
            raise ConfigError(f"CELL: {known} Give a folder with a {CELL}, or a name in {cells.url}.")
        if len(names) > 1:
            raise ConfigError(f"CELL: {len(names)} cells begin with {cell}: {', '.join(names)}. Give more of the name.")
        folder = cells / names[0]
    if not folder.exists(TRAINING):
        fix = "Run its study, or python -m ablations.core on it."
        raise ConfigError(f"{folder.url}: not trained, it has no {TRAINING}. {fix}")
    return folder


def out_of(cell: Folder) -> Folder:
    """The output folder that holds a cell's folder."""
    return Folder(cell.url.rsplit("/", 2)[0] or "/")


def recorded(cell: Folder) -> list[RecordedCell]:
    """A trained cell as the studies in its output folder know it, one for each.

    Raises:
        ConfigError: no study has it.
    """
    out = out_of(cell)
    if known := [each for each in recorded_cells(out) if each.name == cell.name]:
        return known
    fix = "Run `loam ablate run` on the study that it is of."
    raise ConfigError(f"{cell.name}: no study in {out.url}/runs has this cell. {fix}")


def tokenizer_of(cell: Folder) -> Folder:
    """The tokenizer that made a cell's tokens, by the chain of manifests: cell, tokens, encode, tokenizer.

    Raises:
        ConfigError: the cell was made elsewhere, or its tokenizer was removed.
    """
    if not cell.exists(MANIFEST):
        raise ConfigError(f"{cell.url}: no {MANIFEST} that names its tokenizer. {NAME_IT}")
    tokens = sorted(Manifest.load(cell).what["tokens"].values())
    encoded = Manifest.load(_stage("tokens", tokens[0], cell)).what["parts"]
    trained = Manifest.load(_stage("encode", encoded, cell)).what["tokenizer"]
    return _stage("tokenizer", trained, cell)


def _stage(stage: str, fingerprint: str, cell: Folder) -> Folder:
    """The folder of a stage by its fingerprint."""
    out, ending = out_of(cell), f"-{short(fingerprint)}"
    for name in (out / stage).names():
        if name.endswith(ending):
            return out / stage / name
    raise ConfigError(f"{cell.url}: its tokenizer is not there (no {stage}/*{ending} in {out.url}). {NAME_IT}")
