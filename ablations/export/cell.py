"""`loam ablate export`: finds a trained cell and its tokenizer, and writes both as a folder that transformers loads."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablations.cells.cell_folder import TRAINING, WEIGHTS
from ablations.cells.recorded_cells import meant
from ablations.core.spec.cell_spec import CELL, CellSpec
from ablations.core.spec.strict import build
from curation.runtime.errors import ConfigError, InputError, one_of
from curation.runtime.identity import short
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.parts import read_checked
from tokenizer.train import EOS, MODEL

AWAY = "cannot be exported here: its weights stayed where it was trained"
NAME_IT = "Name the folder of its tokenizer.model with --tokenizer."


@dataclass(frozen=True)
class Exported:
    """What was written: its folder, and the architecture under which transformers loads it."""

    folder: str
    model_type: str
    parameters: int


def export(cell: str, target: str, out: str, tokenizer: str | None) -> Exported:
    """Write a trained cell with its tokenizer to the folder `target`, whole or not at all.

    Args:
        cell: its folder, or its name in `<out>/cells`.
        target: a folder that does not exist, or is empty.
        tokenizer: folder of a tokenizer.model; found by the cell's manifest when left out.

    Raises:
        ConfigError, InputError: no such cell, an untrained one, no tokenizer or a wrong one, a target in use.
        DamagedError: a file is not as it was written.
    """
    from safetensors.torch import load

    from ablations.export import hugging_face as export_hf
    from tokenizer.export_hf import tokenizer_files

    _check_target(target)
    folder = trained_cell(cell, Folder(out.rstrip("/") or "/"))
    spec = build(CellSpec, json.loads(read_checked(folder, CELL)), f"{folder.url}/{CELL}")
    model = spec.training.model
    place = Folder(tokenizer.rstrip("/")) if tokenizer else tokenizer_of(folder)
    data = _pieces(place, spec, folder)
    weights = load(final_weights(folder, spec))
    files = export_hf.model_files(model, weights, spec.training.bos, EOS, f"{folder.url}/{WEIGHTS}")
    files |= tokenizer_files(data, model.context, f"{place.url}/{MODEL}")
    files["loam.json"] = _origin(folder, place)
    _write_whole(target, files)
    return Exported(target, export_hf.model_type(model), sum(weight.numel() for weight in weights.values()))


def _pieces(place: Folder, spec: CellSpec, cell: Folder) -> bytes:
    """The tokenizer's file, if it can be the cell's."""
    from tokenizer.model import TokenizerModel

    where = f"{place.url}/{MODEL}"
    if not place.exists(MODEL):
        raise ConfigError(f"{where}: no such file. {NAME_IT}")
    data = read_checked(place, MODEL)
    model = TokenizerModel(data, where)
    if (model.vocab_size, model.bos) != (spec.training.model.vocab_size, spec.training.bos):
        found = f"{model.vocab_size} pieces and BOS {model.bos}"
        wanted = f"{spec.training.model.vocab_size} pieces and BOS {spec.training.bos}"
        raise InputError(where, f"{found}, but the cell {cell.url} was trained with {wanted}", NAME_IT)
    return data


def trained_cell(cell: str, out: Folder) -> Folder:
    """The folder of a trained cell, by its path or its name, whose digits may be left out where one cell alone has it.

    Raises:
        ConfigError: there is none, it is not trained, or its weights are elsewhere.
    """
    by_path, cells = Folder(cell.rstrip("/") if "://" in cell else os.path.abspath(cell)), out / "cells"
    named = [name for name in meant(out, cell) if cell in (name, name.rpartition("-")[0])]
    folder = by_path if by_path.exists(CELL) or len(named) != 1 else cells / named[0]
    if not folder.exists(CELL):
        found = one_of(cells.names(), cell, "cell")
        raise ConfigError(f"CELL: {found} Give a folder with a {CELL}, or a name in {cells.url}.")
    if not folder.exists(TRAINING):
        raise ConfigError(
            f"{folder.url}: not trained, it has no {TRAINING}. Run its study, or python -m ablations.core on it."
        )
    if folder.exists(MANIFEST) and WEIGHTS in Manifest.load(folder).away:
        raise ConfigError(f"{folder.url}: {AWAY}. Export it there, or bring them with `loam ablate unpack`.")
    return folder


def final_weights(cell: Folder, spec: CellSpec) -> bytes:
    """The weights of the end.

    Raises:
        InputError: they are not those that cell.json and training.json speak of.
        DamagedError: a file is not as it was written.
    """
    training, weights = json.loads(read_checked(cell, TRAINING)), read_checked(cell, WEIGHTS)
    fix = "Train the cell again."
    if training["spec_digest"] != spec.training.digest():
        raise InputError(f"{cell.url}/{CELL}", "not the one that the weights were trained with", fix)
    if hashlib.sha256(weights).hexdigest() != training["points"][-1]["sha256"]:
        raise InputError(f"{cell.url}/{WEIGHTS}", "damaged: not the weights that were trained", fix)
    return weights


def tokenizer_of(cell: Folder) -> Folder:
    """The tokenizer that made a cell's tokens, by the chain of manifests: cell, tokens, encode, tokenizer.

    Raises:
        ConfigError: the cell was made elsewhere, or its tokenizer was removed.
    """
    out = Folder(cell.url.rsplit("/", 2)[0])
    if not cell.exists(MANIFEST):
        raise ConfigError(f"{cell.url}: no {MANIFEST} that tells its tokenizer. {NAME_IT}")
    tokens = sorted(Manifest.load(cell).what["tokens"].values())
    encoded = Manifest.load(_made(out, "tokens", tokens[0], cell)).what["parts"]
    trained = Manifest.load(_made(out, "encode", encoded, cell)).what["tokenizer"]
    return _made(out, "tokenizer", trained, cell)


def _made(out: Folder, stage: str, fingerprint: str, cell: Folder) -> Folder:
    """The folder of a stage by its fingerprint."""
    ending = f"-{short(fingerprint)}"
    for name in (out / stage).names():
        if name.endswith(ending):
            return out / stage / name
    raise ConfigError(f"{cell.url}: its tokenizer is not there (no {stage}/*{ending} in {out.url}). {NAME_IT}")


def _origin(cell: Folder, tokenizer: Folder) -> bytes:
    """Which cell this was, for people; transformers does not read it."""
    fingerprint = Manifest.load(cell).fingerprint if cell.exists(MANIFEST) else None
    told = {"cell": cell.url.rsplit("/", 1)[-1], "tokenizer": tokenizer.url.rsplit("/", 1)[-1]}
    return (json.dumps({**told, "fingerprint": fingerprint}, indent=1, ensure_ascii=False) + "\n").encode()


def _check_target(target: str) -> None:
    if os.path.lexists(target) and (not os.path.isdir(target) or os.listdir(target)):
        raise ConfigError(f"OUT {target}: exists already. Name a new folder, or remove it.")


def _write_whole(target: str, files: Mapping[str, Any]) -> None:
    """Everything under a name of its own, then moved into place."""
    target = os.path.abspath(target)
    draft = f"{target}.draft-{uuid.uuid4().hex[:8]}"
    try:
        os.makedirs(draft)
        for name, content in files.items():
            with open(os.path.join(draft, name), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        os.rename(draft, target)
    except OSError as error:
        raise ConfigError(f"OUT {target}: {error.strerror}. Name a folder that can be written.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
