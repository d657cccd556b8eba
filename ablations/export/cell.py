"""`loam ablate export`: finds a trained cell and its tokenizer, and writes both as a folder that transformers loads."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ablations.cells.cell_folder import TRAINING, WEIGHTS
from ablations.cells.named_cell import NAME_IT, named_cell, tokenizer_of
from ablations.core.spec.cell_spec import CELL, CellSpec
from ablations.core.spec.strict import build
from curation.runtime.errors import ConfigError, InputError
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.parts import read_checked
from curation.runtime.whole_files import whole_folder
from tokenizer.train import EOS, MODEL

AWAY = "cannot be exported here: its weights stayed where it was trained"


@dataclass(frozen=True)
class ExportedModel:
    """What was written: its folder, and the architecture under which transformers loads it."""

    folder: str
    model_type: str
    parameters: int


def export(cell: str, target: str, out: str, tokenizer: str | None) -> ExportedModel:
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
    folder = named_cell(cell, Folder(out.rstrip("/") or "/"))
    if folder.exists(MANIFEST) and WEIGHTS in Manifest.load(folder).away:
        raise ConfigError(f"{folder.url}: {AWAY}. Export it there, or bring them with `loam ablate unpack`.")
    spec = build(CellSpec, json.loads(read_checked(folder, CELL)), f"{folder.url}/{CELL}")
    model = spec.training.model
    place = Folder(tokenizer.rstrip("/")) if tokenizer else tokenizer_of(folder)
    data = _pieces(place, spec, folder)
    weights = load(final_weights(folder, spec))
    files = export_hf.model_files(model, weights, spec.training.bos, EOS, f"{folder.url}/{WEIGHTS}")
    files |= tokenizer_files(data, model.context, f"{place.url}/{MODEL}")
    files["loam.json"] = _origin(folder, place)
    _write(target, files)
    return ExportedModel(target, export_hf.model_type(model), sum(weight.numel() for weight in weights.values()))


def _pieces(place: Folder, spec: CellSpec, cell: Folder) -> bytes:
    """The tokenizer's file, if it fits the cell."""
    from tokenizer.model import TokenizerModel

    where = f"{place.url}/{MODEL}"
    if not place.exists(MODEL):
        raise ConfigError(f"{where}: no such file. {NAME_IT}")
    data = read_checked(place, MODEL)
    model = TokenizerModel(data, where)
    if (model.vocab_size, model.bos) != (spec.training.model.vocab_size, spec.training.bos):
        here = f"{model.vocab_size} pieces and BOS {model.bos}"
        wanted = f"{spec.training.model.vocab_size} pieces and BOS {spec.training.bos}"
        raise InputError(where, f"{here}, but the cell {cell.url} was trained with {wanted}", NAME_IT)
    return data


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


def _origin(cell: Folder, tokenizer: Folder) -> bytes:
    """Which cell this was, for people; transformers does not read it."""
    fingerprint = Manifest.load(cell).fingerprint if cell.exists(MANIFEST) else None
    told = {"cell": cell.url.rsplit("/", 1)[-1], "tokenizer": tokenizer.url.rsplit("/", 1)[-1]}
    return (json.dumps({**told, "fingerprint": fingerprint}, indent=1, ensure_ascii=False) + "\n").encode()


def _check_target(target: str) -> None:
    if os.path.lexists(target) and (not os.path.isdir(target) or os.listdir(target)):
        raise ConfigError(f"OUT {target}: exists already. Name a new folder, or remove it.")


def _write(target: str, files: Mapping[str, bytes]) -> None:
    try:
        with whole_folder(Path(os.path.abspath(target))) as draft:
            for name, content in files.items():
                (draft / name).write_bytes(content)
    except OSError as error:
        raise ConfigError(
            f"OUT {os.path.abspath(target)}: {error.strerror}. Name a folder that can be written."
        ) from error
