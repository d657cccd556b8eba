"""From arms and seeds to cells: folders that run without anything but torch, numpy and safetensors."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablations.plan import context_of
from ablations.registries import METRICS
from ablations.settings import CellSettings, Study, cells_of
from ablations.task_items import TaskFile
from curation.runtime.errors import ConfigError
from curation.runtime.identity import canonical, seed
from curation.runtime.registry import Plugin
from curation.runtime.stages import Job, Output, Result, Stage
from curation.runtime.store import Folder
from curation.sources.control_texts import KEYS, VALUES
from tokenizer.encode import DOCUMENTS, TOKENS, TokenSet
from tokenizer.pipeline import Tokenized
from tokenizer.train import BOS, EOS, SPECIALS, UNKNOWN

if TYPE_CHECKING:
    from ablations.core.spec import CellSpec

STAGE = "cells"
VERSION = (
    3  # of model, optimisers, packing and scoring: raise it when a cell of the same spec would end with other bits
)
HOW = frozenset({"checkpoint_every_steps"})  # keys of a spec that change no byte of a result
SPEC, RESULT, ERROR = "cell.json", "result.json", "error.json"


@dataclass(frozen=True)
class CellPlan:
    """One cell before it exists on a disk.

    Attributes:
        spec: contents of its cell.json.
        tokens: path stem inside the cell -> (token set, split) that it links to.
        tasks: path inside the cell -> ready task items.
        plugins: files with further metrics.
        control: whether it belongs to a control arm.
    """

    arm: str
    seed: int
    spec: Mapping[str, Any]
    tokens: Mapping[str, tuple[TokenSet, str]]
    tasks: Mapping[str, TaskFile]
    plugins: Sequence[Plugin]
    control: bool

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
            "machine": machine_class(),
        }

    @cached_property
    def output(self) -> Output:
        return Output(STAGE, f"{self.arm}_s{self.seed}", self.what)

    def stage(self) -> Stage:
        """The cell as a stage of one job, so that finished cells are never run again and a failed one stands alone."""
        spec = {
            "spec": self.spec,
            "tokens": {stem: [tokens.folder, split] for stem, (tokens, split) in self.tokens.items()},
            "tasks": {path: task.text for path, task in self.tasks.items()},
            "plugins": {plugin.name: plugin.source for plugin in self.plugins},
            "machine": machine_class(),
        }
        cost = int(self.spec["schedule"]["tokens"]) * int(self.spec["model"]["layers"])
        job = Job("cell", spec, cost)
        threads = int(self.spec["compute"]["threads"])
        return Stage(f"cell {self.arm} seed {self.seed}", {"cell": self.output}, [job], cell_job, cpus=threads)


@cache
def machine_class() -> dict[str, str]:
    """What training bits depend on beside the spec: kind of processor and version of torch."""
    import importlib.metadata

    return {"cpu": _cpu_model(), "torch": importlib.metadata.version("torch")}


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


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
    return CellPlan(arm, number, spec, tokens, tasks, study.loaded_plugins, control)


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


def cell_job(shared: Mapping[str, Any], spec: Mapping[str, Any], folders: dict[str, Folder]) -> dict[str, Result]:
    """One task: lay the cell's folder out and run it; on an object store it is run in a scratch folder and sent there."""
    import tempfile

    (folder,) = folders.values()
    if spec["machine"] != machine_class():
        raise ConfigError(
            f"planned for {spec['machine']}, but this node has {machine_class()}: the bits would differ from the others'. "
            "Run the study on nodes of one kind, started from one of them."
        )
    if folder.is_local:
        _lay_out(Path(folder.url), spec)
        return _run(Path(folder.url), folder)
    with tempfile.TemporaryDirectory(prefix="loam-cell-") as scratch:
        _lay_out(Path(scratch), spec)
        result = _run(Path(scratch), folder)
        for name in (SPEC, "model.safetensors", "timing.json", RESULT):
            folder.write(name, Path(scratch, name).read_bytes())
        return result


def _run(path: Path, folder: Folder) -> dict[str, Result]:
    from ablations.core.cell import run_cell

    try:
        run_cell(path)
    except Exception as error:
        folder.write_json(ERROR, {"error": f"{type(error).__name__}: {error}"})
        raise
    (path / ERROR).unlink(missing_ok=True)
    parts = [{"file": name, "rows": 1} for name in (SPEC, "model.safetensors", RESULT)]
    timing = json.loads((path / "timing.json").read_text(encoding="utf8"))
    return {"cell": {"parts": parts, "counts": {}, "seconds": round(float(timing["seconds"]), 3)}}


def _lay_out(path: Path, spec: Mapping[str, Any]) -> None:
    """Everything that the cell needs, its spec last: a folder with a cell.json is complete."""
    for stem, (source, split) in spec["tokens"].items():
        for pattern in (TOKENS, DOCUMENTS):
            _link(source, pattern.format(split), path / pattern.format(stem))
    for name, text in spec["tasks"].items():
        Folder(str(path)).write(name, text.encode())
    for name, text in spec["plugins"].items():
        Folder(str(path)).write(f"plugins/{name}", text.encode())
    Folder(str(path)).write_json(SPEC, dict(spec["spec"]))


def _link(folder: Folder, name: str, target: Path) -> None:
    """The same file under another name; a copy where the disk has no links. Cells of a sweep share their tokens' bytes."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with folder.local(name) as path, Folder(str(target.parent)).draft(target.name) as draft:
        try:
            os.link(path, draft)
        except OSError:
            shutil.copyfile(path, draft)
