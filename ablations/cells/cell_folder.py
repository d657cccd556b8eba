"""A cell's folder: what its training needs is laid out, then it is trained there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablations.core.spec.cell_spec import CELL, CellSpec
from ablations.core.spec.machine import as_settings, is_gpu, machine_class
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder
from curation.runtime.store.marks import Mark, MarkingFolder
from curation.runtime.store.parts import checked
from curation.runtime.store.receipts import Result
from curation.runtime.whole_files import link
from tokenizer.encode import DOCUMENTS, TOKENS

TRAINING, WEIGHTS, TIMING, ERROR = (
    "training.json",
    "model.safetensors",
    "timing.json",
    "error.json",
)  # core's would load torch
CHECKPOINTS = ("checkpoint.pt", "checkpoint.before.pt")
TRAIN, HELDOUT = "train", "heldout"
OWN_DEVICE = ("cuda", "cuda:0")  # names of the only GPU that a task sees


def check_machine(planned: Mapping[str, str], device: str) -> None:
    """Refuse to work where the bits would differ.

    Raises:
        ConfigError: this node is of another class than the one that was planned for, or the device is one that Ray does not give.
    """
    if is_gpu(device) and device not in OWN_DEVICE:
        raise ConfigError(
            f"compute.device: {device} names one of several GPUs, but Ray gives every cell one of its own and shows it no other. "
            "Write cuda. CUDA_VISIBLE_DEVICES, set where Ray starts, chooses those that Ray gives out."
        )
    here = machine_class(device)
    if dict(planned) != here:
        raise ConfigError(
            f"planned for {as_settings(planned)}, but this node is {as_settings(here)}: the bits would differ "
            "from the others'. Take the cell there with `loam ablate pack`, or start the study on nodes of one kind."
        )


@dataclass(frozen=True)
class CellJob:
    """One cell to train.

    Attributes:
        tokens: path stem inside the cell -> folder of these tokens.
        machine: class of the machine that was planned for.
        plugins: those that define members the training uses.
    """

    cell: CellSpec
    tokens: Mapping[str, Folder]
    machine: Mapping[str, str]
    plugins: Sequence[Plugin]


def cell_job(_: None, spec: CellJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: lay the cell's folder out and train it; on an object store it is trained in a scratch folder and sent there."""
    folder, cell = folders["cell"], spec.cell
    check_machine(spec.machine, cell.training.compute.device)
    if folder.is_local:
        lay_out(Path(folder.url), cell, spec.tokens, spec.plugins)
        return {"cell": _train(Path(folder.url), folder, cell.plugins)}
    with tempfile.TemporaryDirectory(prefix="loam-cell-") as scratch:
        lay_out(Path(scratch), cell, spec.tokens, spec.plugins)
        return {"cell": _train(Path(scratch), folder, cell.plugins)}


def _train(path: Path, folder: Folder, plugins: Sequence[str]) -> Result:
    from ablations.core.cell import train_cell
    from ablations.core.training.weights import Trained
    from curation.runtime.errors import InputError

    try:
        trained = train_cell(path)
        try:
            for point in trained.points:
                trained.content(point)
        except InputError:  # weights that were damaged since are trained again
            (path / TRAINING).unlink()
            trained = train_cell(path)
    except Exception as error:
        folder.write_json(ERROR, {"error": f"{type(error).__name__}: {error}"})
        raise
    folder.remove_file(ERROR)
    assert isinstance(trained, Trained)
    files = [CELL, TRAINING, TIMING, *plugins, *(point.file for point in trained.points)]
    for name in files:
        take_in(folder, path, name)
    return result_of_training(trained.record)


def take_in(folder: Folder, path: Path, name: str) -> None:
    """Makes a file at `path` one of the stage's folder: marked in place, or sent there."""
    if folder.is_local:
        assert isinstance(folder, MarkingFolder)
        folder.written(name, Mark.of_file(str(path / name)))
    else:
        folder.write(name, (path / name).read_bytes())


def result_of_training(record: Mapping[str, Any]) -> Result:
    """The receipt of a trained cell; `record` is its training.json."""
    names = (CELL, TRAINING, *(point["file"] for point in record["points"]))
    return Result([{"file": name, "rows": 1} for name in names], {"tokens": record["tokens"]})


def lay_out(path: Path, cell: CellSpec, tokens: Mapping[str, Folder], plugins: Sequence[Plugin]) -> None:
    """Everything that a training needs, its spec last: a folder with a cell.json is complete.

    Raises:
        DamagedError: a token file is not the one that was encoded.
    """
    for stem, source in tokens.items():
        lay_tokens(path, stem, source, TRAIN)
    lay_plugins(Folder(str(path)), plugins)
    Folder(str(path)).write_json(CELL, cell.to_json())


def path_of(plugin: Plugin) -> str:
    """Where a plugin lies in a cell's folder."""
    return f"plugins/{plugin.name}"


def lay_plugins(folder: Folder, plugins: Sequence[Plugin]) -> None:
    """Files with members, under the names that a cell's files know them by."""
    for plugin in plugins:
        folder.write(path_of(plugin), plugin.source.encode())


def lay_tokens(path: Path, stem: str, source: Folder, split: str) -> None:
    """A token set's files under the cell's own names for them, checked once against what was encoded."""
    for pattern in (TOKENS, DOCUMENTS):
        with checked(source, pattern.format(split)) as found:
            _share(Path(found), path / pattern.format(stem))


def _share(source: Path, target: Path) -> None:
    """Cells of a sweep share their tokens' bytes."""
    if not (target.exists() and os.path.samefile(source, target)):
        target.parent.mkdir(parents=True, exist_ok=True)
        link(source, target)
