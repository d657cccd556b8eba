"""From arms and seeds to cells: trainings, each known by the typed values and the code that its weights depend on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ablations.cells.cell_folder import CellJob, cell_job, path_of
from ablations.cells.measuring_plan import MeasuringPlan, PlannedMeasure, plugins_of_metrics
from ablations.cells.training_members import code_of_training, members_named, plugins_used
from ablations.core.model.memory import model_bytes
from ablations.core.spec.cell_spec import CellSpec, paths_of
from ablations.core.spec.machine import is_gpu
from ablations.core.spec.measuring_spec import MeasuringSpec
from ablations.core.spec.model_spec import ModelSpec
from ablations.core.spec.strict import as_json, check_values
from ablations.core.spec.training_spec import SeedSpec, TrainingSpec, TrainSource
from ablations.prompts.task_items import ItemsFile
from ablations.settings.cells import CellSettings, whole_weights
from ablations.settings.machine import machine_of
from ablations.settings.study import Study
from curation.runtime.config import merged
from curation.runtime.errors import ConfigError
from curation.runtime.identity import seed
from curation.runtime.registry import Plugin
from curation.runtime.stages.stage import Job, Output, Stage
from curation.runtime.store.folder import Folder
from tokenizer.encode import TokenSet
from tokenizer.pipeline import Tokenized
from tokenizer.train import BOS, EOS, UNKNOWN

STAGE = "cells"
COMPILER_BYTES = 2**30  # cells of 0.3M weights took 1.3 to 1.5 GB at their peak, and 0.5 GB uncompiled
HEADS = (
    "evaluations",
    "packing",
    "document_mask",
    "gradient_clip",
    "spikes",
    "compute",
    "optimizer",
    "schedule",
    "model",
)  # of what a user may leave to defaults


@dataclass(frozen=True)
class CellPlan:
    """One cell before it exists on a disk.

    Attributes:
        spec: contents of its cell.json.
        tokens: path stem inside the cell -> the token set whose training split it is.
        control: whether it belongs to a control arm.
        machine: class of the machine that it runs on.
        measuring: what is to be measured of it.
        tokenizer: folder of the tokenizer of its tokens, which turns written answers into text.
        plugins: files that its optimizer and its schedule come from.
    """

    spec: CellSpec
    tokens: Mapping[str, TokenSet]
    control: bool
    machine: Mapping[str, str]
    measuring: MeasuringPlan
    tokenizer: Folder | None = None
    plugins: tuple[Plugin, ...] = ()

    @property
    def arm(self) -> str:
        return self.spec.arm

    @property
    def seed(self) -> int:
        return self.spec.seed

    @property
    def training(self) -> TrainingSpec:
        return self.spec.training

    @cached_property
    def what(self) -> dict[str, Any]:
        """Everything that its weights depend on; the machine's class is part of it, its address is not."""
        return {
            "stage": STAGE,
            "training": as_json(self.training),
            "code": code_of_training(members_named(self.training), self.plugins),
            "tokens": {stem: tokens.manifest.fingerprint for stem, tokens in self.tokens.items()},
            "machine": dict(self.machine),
        }

    @cached_property
    def output(self) -> Output:
        return Output(STAGE, self.label, self.what)

    @property
    def label(self) -> str:
        """Its name for people."""
        return f"{self.arm}_s{self.seed}"

    @property
    def name(self) -> str:
        """The name of its folder, in OUT/cells and in a pack."""
        return f"{self.label}-{self.output.fingerprint[:12]}"

    @cached_property
    def measures(self) -> dict[str, PlannedMeasure]:
        """What is to be measured, by label."""
        return {each.label: each for each in self.measuring.measures()}

    @cached_property
    def asked(self) -> dict[str, dict[str, Any]]:
        """Label -> identity of what is measured, whatever the weights are."""
        tokens = {stem: each.manifest.fingerprint for stem, each in self.tokens.items()}
        return {label: each.asked(self.training, self.machine, tokens) for label, each in self.measures.items()}

    def stage(self) -> Stage[None, CellJob]:
        """The training as a stage of one job, so that finished cells are never trained again and a failed one affects no other."""
        spec = self.training
        tokens = {stem: tokens.folder for stem, tokens in self.tokens.items()}
        asked = CellJob(self.spec, tokens, dict(self.machine), self.plugins)
        job = Job("cell", asked, spec.schedule.tokens * spec.model.layers)
        return Stage(
            f"cell {self.arm} seed {self.seed}", {"cell": self.output}, [job], cell_job, None, memory_per_byte=0,
            memory_bytes=training_bytes(spec), cpus=spec.compute.threads, gpus=gpus_of(spec),
        )  # fmt: skip


def gpus_of(spec: TrainingSpec) -> float:
    """GPUs that a cell asks of Ray, whichever of a node's it names: two cells never share one by accident."""
    return 1.0 if is_gpu(spec.compute.device) else 0.0


def training_bytes(spec: TrainingSpec) -> float:
    """Memory that a cell needs of its node besides what any worker does; however long it trains."""
    own = model_bytes(spec.model, spec.model.context * (spec.compute.micro_batch or spec.schedule.batch))
    return own + COMPILER_BYTES if spec.compute.compile else own


@dataclass(frozen=True)
class Lot:
    """What all cells of some arms share: tokens, few-shot items by context length, metrics."""

    tokenized: Tokenized
    items: Mapping[int, Mapping[str, ItemsFile]]
    metrics: Sequence[str]


def text_tokens(study: Study, arm: str, tokenized: Tokenized) -> dict[str, float]:
    """Tokens of each of an arm's sources, all of them whatever its fraction."""
    return {source: float(tokenized.tokens[source].tokens("train")) for source in study.mixture(arm)}


def plan_cells(study: Study, arm: str, lot: Lot, share: float = 1.0) -> Iterator[CellPlan]:
    """The cells of one arm of a study, seed by seed; they train on a share of the tokens of their schedule."""
    written = merged(study.cells, study.arms[arm].cells)
    cells = study.cells_of_arm(arm)
    schedule = dataclasses.replace(cells.schedule, tokens=round(share * cells.schedule.tokens))
    cells = dataclasses.replace(cells, schedule=schedule)
    documents = study.arms[arm].fraction, study.arms[arm].offset
    for number in range(study.seeds):
        yield _plan(study, arm, number, cells, written, study.mixture(arm), documents, lot, control=False)


def plan_control_cells(study: Study, lot: Lot) -> Iterator[CellPlan]:
    """The cells of the control arms."""
    controls = study.control_settings
    for arm, settings in controls.arms.items():
        written = merged(controls.cells, settings.cells)
        cells = study.cells_of_control(arm)
        for number in range(controls.seeds or study.seeds):
            yield _plan(study, arm, number, cells, written, {settings.source: 1.0}, (1.0, 0.0), lot, control=True)


def _plan(
    study: Study, arm: str, number: int, cells: CellSettings, written: Mapping[str, Any], mixture: Mapping[str, float],
    documents: tuple[float, float], lot: Lot, control: bool,
) -> CellPlan:  # fmt: skip
    tokenized = lot.tokenized
    heldout = [source for source, tokens in tokenized.tokens.items() if tokens.documents("heldout")]
    if control:
        heldout = [source for source in heldout if source in mixture]
    used = plugins_used(members_named(cells), study.loaded_plugins)
    training = training_of(study, arm, number, cells, mixture, documents, tokenized.model.vocab_size)
    items = lot.items[cells.model.context]
    measuring = MeasuringPlan(
        spec=MeasuringSpec(
            seed=seed("evaluation", study.seed),
            specials=(UNKNOWN, BOS, EOS),
            numbers=tokenized.model.numbers,
            capitals=tokenized.model.capitals,
            heldout={source: f"tokens/{source}.heldout" for source in heldout},
            tasks=tuple(f"tasks/{task}.json" for task in sorted(items)),
            metrics=tuple(lot.metrics),
            plugins=tuple(map(path_of, plugins_of_metrics(lot.metrics, study.loaded_plugins))),
            effort=cells.effort,
        ),
        heldout={source: tokenized.tokens[source] for source in heldout},
        items=items,
        plugins=study.loaded_plugins,
    )
    spec = CellSpec(
        arm,
        number,
        training,
        checkpoint_every_steps=cells.checkpoint_every_steps,
        defaults=tuple(_defaults(training, written)),
        plugins=tuple(map(path_of, used)),
    )
    tokens = {part.tokens: tokenized.tokens[part.source] for part in training.train}
    machine = machine_of(study.machine, training.compute.device)
    return CellPlan(spec, tokens, control, machine, measuring, tokenized.folder, used)


def training_of(
    study: Study, arm: str, number: int, cells: CellSettings, mixture: Mapping[str, float],
    documents: tuple[float, float], vocab_size: int,
) -> TrainingSpec:  # fmt: skip
    """The training of one cell, checked.

    Raises:
        ConfigError: no cell could use the settings; names the arm and the place.
    """
    fraction, offset = documents
    used = plugins_used(members_named(cells), study.loaded_plugins)
    training = TrainingSpec(
        seeds=seeds_of(study.seed, number),
        model=ModelSpec(vocab_size=vocab_size, **vars(cells.model)),
        schedule=cells.schedule,
        train=tuple(
            TrainSource(source, f"tokens/{source}.train", float(weight), fraction, offset)
            for source, weight in whole_weights(mixture).items()
        ),
        bos=BOS,
        optimizer=cells.optimizer,
        packing=cells.packing,
        document_mask=cells.document_mask,
        gradient_clip=cells.gradient_clip,
        spikes=cells.spikes,
        evaluations=cells.evaluations,
        compute=cells.compute,
        plugins=tuple(sorted(plugin.digest for plugin in used)),
    )
    try:
        check_values(training, "cells")
    except ConfigError as error:
        raise ConfigError(f"arm {arm}: {error}") from error
    return training


def _defaults(training: TrainingSpec, written: Mapping[str, Any]) -> list[str]:
    """Paths of a training's values that the user left to defaults."""
    values = {head: as_json(training)[head] for head in reversed(HEADS)}
    values["model"].pop("vocab_size")
    paths = set(paths_of({head: written[head] for head in HEADS if head in written}))
    return [path for path in paths_of(values) if path not in paths]


def seeds_of(base: int, number: int) -> SeedSpec:
    """Seeds of a cell: the same for all arms with this seed number, so that cells are pairs."""
    return SeedSpec(
        init=seed("init", base, number), order=seed("order", base, number), subset=seed("subset", base, number)
    )
