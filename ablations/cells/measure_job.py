"""Measuring a trained cell as a stage: what it needs is laid out in a scratch folder, and each measure gets a folder of its own."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablations.cells.cell_folder import HELDOUT, TRAIN, TRAINING, check_machine
from ablations.core.model.memory import model_bytes
from ablations.core.spec.cell_spec import CELL, CellSpec
from ablations.core.spec.measuring_spec import MeasuringSpec
from ablations.prompts.task_items import ITEMS
from curation.runtime.identity import canonical
from curation.runtime.registry import Plugin
from curation.runtime.stages.stage import Job, Output, Stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.parts import checked, read_checked
from curation.runtime.store.receipts import Result
from tokenizer.encode import DOCUMENTS, TOKENS

MEASURE = "measure.json"
MEASURED = Result([{"file": MEASURE, "rows": 1}])


@dataclass(frozen=True)
class ToMeasure:
    """Everything that measuring one cell takes.

    Attributes:
        cell: the folder of its training, whole.
        wanted: label -> metric and task.
        train, heldout: path stem -> folder of tokens.
        items: task -> folder of its items.
        tokenizer: turns written answers into text; None where none is at hand.
    """

    spec: CellSpec
    cell: Folder
    machine: Mapping[str, str]
    measuring: MeasuringSpec
    wanted: Mapping[str, tuple[str, str]]
    train: Mapping[str, Folder]
    heldout: Mapping[str, Folder]
    items: Mapping[str, Folder]
    plugins: Sequence[Plugin]
    tokenizer: Folder | None

    def stage(self, outputs: Mapping[str, Output]) -> Stage[None, ToMeasure]:
        """One job that fills the folders of all measures of this cell that are still missing."""
        from ablations.cells.cells import gpus_of

        training = self.spec.training
        cost = training.schedule.tokens * training.model.layers // 4
        title = f"measure {self.spec.arm} seed {self.spec.seed}"
        memory = model_bytes(training.model, training.model.context * self.measuring.effort.batch)
        return Stage(
            title, outputs, [Job("measure", self, cost)], measure_job, None, memory_per_byte=0, memory_bytes=memory,
            cpus=training.compute.threads, gpus=gpus_of(training),
        )  # fmt: skip


def measure_job(_: None, asked: ToMeasure, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: one cell, all measures that `folders` names."""
    check_machine(asked.machine, asked.spec.training.compute.device)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loam-measure-")))
        _lay_out(asked, folders, scratch, stack)
        found = _measured(asked, folders, scratch)
    for label, folder in folders.items():
        folder.write(MEASURE, as_bytes(found[label]))
    return dict.fromkeys(folders, MEASURED)


def as_bytes(value: Mapping[str, Any]) -> bytes:
    """Contents of a measure's file: the same value gives the same bytes."""
    return canonical(value) + b"\n"


def _lay_out(asked: ToMeasure, labels: Mapping[str, Folder], scratch: Path, stack: ExitStack) -> None:
    """Symbolic links to what the measures read; each file is checked as it is taken."""

    def put(folder: Folder, name: str, target: str) -> None:
        path = scratch / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(Path(stack.enter_context(checked(folder, name))).absolute())

    put(asked.cell, TRAINING, TRAINING)
    put(asked.cell, CELL, CELL)
    for stem, folder in asked.heldout.items():
        for pattern in (TOKENS, DOCUMENTS):
            put(folder, pattern.format(HELDOUT), pattern.format(stem))
    for stem, folder in asked.train.items():
        for pattern in (TOKENS, DOCUMENTS):
            put(folder, pattern.format(TRAIN), pattern.format(stem))
    tasks = {task for label in labels for task in (asked.wanted[label][1],) if task}
    for task in sorted(tasks):
        put(asked.items[task], ITEMS, f"tasks/{task}.json")
    for point in _points(asked.cell):
        if asked.cell.exists(point):
            put(asked.cell, point, point)


def _points(cell: Folder) -> list[str]:
    return [str(point["file"]) for point in json.loads(read_checked(cell, TRAINING))["points"]]


def _measured(asked: ToMeasure, labels: Mapping[str, Folder], scratch: Path) -> dict[str, dict[str, Any]]:
    from ablations.core.cell import prepare
    from ablations.core.data.evaluation_data import EvaluationData
    from ablations.core.measuring import MetricRun, measure
    from ablations.core.metrics.registry import METRICS
    from ablations.core.training.weights import Trained

    training = asked.spec.training
    prepare(training)
    trained = Trained.read(scratch, training, asked.plugins)
    assert trained, "only trained cells are measured"
    present = sorted(path.stem for path in (scratch / "tasks").glob("*.json"))
    tasks = tuple(f"tasks/{task}.json" for task in present)
    spec = dataclasses.replace(asked.measuring, tasks=tasks, plugins=())
    wanted = [
        MetricRun(METRICS.get(metric, asked.plugins)(), task)
        for metric, task in (asked.wanted[label] for label in labels)
    ]
    values = measure(trained, wanted, EvaluationData.of(scratch, training, spec), spec)
    return {label: with_texts(value, asked.tokenizer) for label, value in values.items()}


def with_texts(value: dict[str, Any], tokenizer: Folder | None) -> dict[str, Any]:
    """The measure with its written answers as text too, so that scoring them needs no tokenizer."""
    groups = [
        group for answers in value["final"]["answers"].values() for group in answers["groups"] if "written" in group
    ]
    if groups and tokenizer is not None:
        from tokenizer.model import load_tokenizer

        model = load_tokenizer(tokenizer)
        for group in groups:
            group["texts"] = [model.decode(tokens) for tokens in group["written"]]
    return value
