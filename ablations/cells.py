"""From arms and seeds to cells: folders that run without anything but torch, numpy and safetensors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ablations.cell_folder import cell_job
from ablations.cell_settings import CellSettings, cells_of
from ablations.machine import machine_of
from ablations.plan import context_of
from ablations.registries import METRICS
from ablations.settings import Study
from ablations.task_items import TaskFile
from curation.runtime.errors import ConfigError
from curation.runtime.identity import canonical, seed
from curation.runtime.registry import Plugin
from curation.runtime.stages import Job, Output, Stage
from curation.sources.control_texts import KEYS, VALUES
from tokenizer.encode import TokenSet
from tokenizer.pipeline import Tokenized
from tokenizer.train import BOS, EOS, SPECIALS, UNKNOWN

if TYPE_CHECKING:
    from ablations.core.spec import CellSpec
    from curation.runtime.store import Folder

STAGE = "cells"
VERSION = (
    3  # of model, optimisers, packing and scoring: raise it when a cell of the same spec would end with other bits
)
HOW = frozenset({"checkpoint_every_steps"})  # keys of a spec that change no byte of a result


@dataclass(frozen=True)
class CellPlan:
    """One cell before it exists on a disk.

    Attributes:
        spec: contents of its cell.json.
        tokens: path stem inside the cell -> (token set, split) that it links to.
        tasks: path inside the cell -> ready task items.
        plugins: files with further metrics.
        control: whether it belongs to a control arm.
        machine: class of the machine that it runs on.
        tokenizer: folder of the tokenizer of its tokens, which turns written answers into text.
    """

    arm: str
    seed: int
    spec: Mapping[str, Any]
    tokens: Mapping[str, tuple[TokenSet, str]]
    tasks: Mapping[str, TaskFile]
    plugins: Sequence[Plugin]
    control: bool
    machine: Mapping[str, str]
    tokenizer: Folder | None = None

    @cached_property
    def what(self) -> dict[str, Any]:
        """Everything that its weights and results depend on; the machine's class is part of it, its address is not."""
        known = METRICS.versions(self.plugins)
        return {
            "stage": STAGE,
            "version": VERSION,
            "spec": {key: value for key, value in self.spec.items() if key not in HOW},
            "metrics": {name: known[name] for name in self.spec["metrics"]},
            "tokens": {stem: [tokens.manifest.fingerprint, split] for stem, (tokens, split) in self.tokens.items()},
            "tasks": {path: task.digest for path, task in self.tasks.items()},
            "plugins": {plugin.name: plugin.digest for plugin in self.plugins},
            "machine": dict(self.machine),
        }

    @cached_property
    def output(self) -> Output:
        return Output(STAGE, f"{self.arm}_s{self.seed}", self.what)

    @property
    def contents(self) -> dict[str, Any]:
        """What `cell_folder` lays out, and where it may run."""
        return {
            "spec": self.spec,
            "tokens": {stem: [tokens.folder, split] for stem, (tokens, split) in self.tokens.items()},
            "tasks": {path: task.text for path, task in self.tasks.items()},
            "plugins": {plugin.name: plugin.source for plugin in self.plugins},
            "machine": dict(self.machine),
        }

    def stage(self) -> Stage:
        """The cell as a stage of one job, so that finished cells are never run again and a failed one stands alone."""
        cost = int(self.spec["schedule"]["tokens"]) * int(self.spec["model"]["layers"])
        job = Job("cell", self.contents, cost)
        threads = int(self.spec["compute"]["threads"])
        return Stage(f"cell {self.arm} seed {self.seed}", {"cell": self.output}, [job], cell_job, cpus=threads)


def plan_cells(
    study: Study, arm: str, real: Tokenized, tasks: Mapping[str, TaskFile], metrics: Sequence[str]
) -> Iterator[CellPlan]:
    """The cells of one arm of a study, seed by seed."""
    settings = study.arms[arm]
    cells = cells_of(study.cells, settings.cells, f"arms.{arm}.cells")
    for number in range(study.seeds):
        mixture = study.mixture(arm)
        documents = settings.fraction, settings.offset
        yield _cell(study, arm, number, cells, mixture, documents, real, tasks, metrics, control=False)


def plan_control_cells(
    study: Study, tokenized: Tokenized, tasks: Mapping[str, TaskFile], metrics: Sequence[str]
) -> Iterator[CellPlan]:
    """The cells of the control arms."""
    controls = study.control_settings
    for arm, settings in controls.arms.items():
        cells = cells_of(controls.cells, settings.cells, f"controls.arms.{arm}.cells")
        for number in range(controls.seeds or study.seeds):
            mixture = {settings.source: 1.0}
            yield _cell(study, arm, number, cells, mixture, (1.0, 0.0), tokenized, tasks, metrics, control=True)


def _cell(
    study: Study, arm: str, number: int, cells: CellSettings, mixture: Mapping[str, float], documents: tuple[float, float],
    tokenized: Tokenized, tasks: Mapping[str, TaskFile], metrics: Sequence[str], control: bool,
) -> CellPlan:  # fmt: skip
    fraction, offset = documents
    heldout = [source for source, tokens in tokenized.tokens.items() if tokens.documents("heldout")]
    if control:
        heldout = [source for source in heldout if source in mixture]
    spec = {
        "format": 1,
        "arm": arm,
        "seed": number,
        "seeds": seeds_of(study.seed, number),
        "tokenizer": {"bos": BOS, "specials": [UNKNOWN, BOS, EOS]},
        "train": [
            {"source": s, "tokens": f"tokens/{s}.train", "weight": float(w), "fraction": fraction, "offset": offset}
            for s, w in mixture.items()
        ],
        "heldout": {source: f"tokens/{source}.heldout" for source in heldout},
        "tasks": sorted(tasks),
        "metrics": list(metrics),
        "plugins": [f"plugins/{plugin.name}" for plugin in study.loaded_plugins],
        **cells.model_dump(mode="json"),
    }
    spec["model"] = {**spec["model"], "vocab_size": tokenized.model.vocab_size}
    spec["compute"] = {"device": "cpu", "threads": 1, **spec["compute"]}
    tokens = {f"tokens/{source}.train": (tokenized.tokens[source], "train") for source in mixture}
    tokens |= {f"tokens/{source}.heldout": (tokenized.tokens[source], "heldout") for source in heldout}
    check_spec(spec, arm)
    machine = machine_of(study.machine, spec["compute"]["device"])
    return CellPlan(arm, number, spec, tokens, tasks, study.loaded_plugins, control, machine, tokenized.folder)


def seeds_of(base: int, number: int) -> dict[str, int]:
    """Seeds of a cell: the same for all arms with this seed number, so that cells are pairs; what is evaluated never varies."""
    return {
        "init": seed("init", base, number),
        "order": seed("order", base, number),
        "subset": seed("subset", base, number),
        "evaluation": seed("evaluation", base),
    }


def check_spec(spec: Mapping[str, Any], arm: str) -> None:
    """Refuse settings that no cell could use, before anything runs.

    Raises:
        ConfigError: names the arm and the place.
    """
    try:
        typed_spec(spec)
    except ConfigError as error:
        raise ConfigError(f"arm {arm}: {error}") from error


def typed_spec(spec: Mapping[str, Any]) -> CellSpec:
    """The contents of a cell.json as the typed value that core works with."""
    from ablations.core.spec import CellSpec
    from ablations.core.strict import build

    return build(CellSpec, json.loads(canonical(spec)), "cells")


def drafts(study: Study) -> Iterator[CellSpec]:
    """Specs of all cells before there are any tokens: shapes and lengths are those of the real ones, and so are mistakes.

    Raises:
        ConfigError: names the arm and the place.
    """
    controls = study.control_settings
    words = len(KEYS) + len(VALUES) + SPECIALS
    for arm, settings in study.arms.items():
        cells = cells_of(study.cells, settings.cells, f"arms.{arm}.cells")
        yield from (_draft(study, arm, n, cells, study.tokenizer.vocab_size) for n in range(study.seeds))
    for arm, control in controls.arms.items():
        cells = cells_of(controls.cells, control.cells, f"controls.arms.{arm}.cells")
        yield from (_draft(study, arm, n, cells, words) for n in range(controls.seeds or study.seeds))


def _draft(study: Study, arm: str, number: int, cells: CellSettings, vocab_size: int) -> CellSpec:
    context_of(cells, arm)
    value: dict[str, Any] = {
        "arm": arm,
        "seed": number,
        "seeds": seeds_of(study.seed, number),
        "train": [{"source": "any", "tokens": "tokens/any.train"}],
        **cells.model_dump(mode="json"),
    }
    value["model"] = {**value["model"], "vocab_size": vocab_size}
    value["compute"] = {"device": "cpu", "threads": 1, **value["compute"]}
    check_spec(value, arm)
    return typed_spec(value)
