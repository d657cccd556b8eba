"""The record of a study, `<out>/runs/<name>.study.json`: where everything is, every cell's results, the cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ablations.cells import sweep
from ablations.cells.cell_folder import TIMING
from ablations.cells.cell_states import CellState, states
from ablations.report.costs import ActualCost, CellTime, Cost, PredictedCost, StageTime
from ablations.study.pipeline import Prepared
from ablations.study.resolved import resolved
from curation.dashboard.as_json import from_json, to_json
from curation.questions.run_record import STUDY_ENDING
from curation.runtime.command_line.usage import Usage
from curation.runtime.identity import IDENTITY, fingerprint
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.manifest import Manifest, code_version, finished
from curation.runtime.store.parts import read_checked
from tokenizer.pipeline import Tokenized


def study_fingerprint(prepared: Prepared) -> str:
    """The identity of all cells together."""
    return fingerprint(sorted(plan.output.fingerprint for plan in prepared.plans))


def write_record(prepared: Prepared, out: Folder, report_cost: Cost | None = None) -> None:
    """`<out>/runs/<name>.study.json`: where everything is, and the results of all cells by hash."""
    cells = states(prepared.plans, out)
    record = {
        "kind": "study",
        "identity": IDENTITY,
        "name": prepared.study.name,
        "study": resolved(prepared.study, prepared.recipe),
        "curation": prepared.curated.record["stages"],
        "tokenizers": [out.relative(t.folder) for t in prepared.tokenized],
        "tokens": [path for t in prepared.tokenized for path in _token_folders(t, out)],
        "found_items": [out.relative(folder) for folder in prepared.found_items],
        "cells": {state.plan.name: _cell(state, out) for state in cells},
        "results": {cell.cell: dict(cell.values) for cell in sweep.results(cells, out)},
        "cost": to_json(report_cost) if report_cost else _cost_before(prepared, out),
        "code": code_version(),
    }
    (out / "runs").write_json(f"{prepared.study.name}{STUDY_ENDING}", record)


def _cell(state: CellState, out: Folder) -> dict[str, Any]:
    """Where a cell's own files are, and its inputs; folders are relative to `out`."""
    plan, measuring = state.plan, state.plan.measuring
    return {
        "folder": out.relative(state.folder),
        "fingerprint": plan.output.fingerprint,
        "arm": plan.arm,
        "seed": plan.seed,
        "control": plan.control,
        "tokenizer": out.relative(plan.tokenizer) if plan.tokenizer else "",
        "train": {stem: out.relative(tokens.folder) for stem, tokens in plan.tokens.items()},
        "heldout": {source: out.relative(tokens.folder) for source, tokens in measuring.heldout.items()},
        "items": {task: out.relative(file.stored(out)) for task, file in measuring.items.items()},
        "plugins": {plugin.name: plugin.digest for plugin in measuring.plugins},
        "measuring": asdict(measuring.spec),
        "measures": {label: out.relative(each.output.folder(out)) for label, each in state.measured.items()},
    }


def cost(prepared: Prepared, out: Folder, predicted: PredictedCost | None, usage: Usage | None) -> Cost:
    stages = []
    for path in stage_folders(prepared, out):
        manifest = Manifest.load(out / path)
        reused = usage is None or manifest.cost["finished_at"] < usage.started_at
        stages.append(StageTime(f"{manifest.stage} {manifest.name}", **manifest.cost, reused=reused))
    cells = []
    for plan in prepared.plans:
        folder = plan.output.folder(out)
        if finished(folder, plan.output.what):
            timing = json.loads(read_checked(folder, TIMING))
            cells.append(CellTime(plan.name, timing["seconds"], timing["tokens_per_second"]))
    return Cost(predicted, _actual(prepared, out, usage), tuple(stages), tuple(cells))


def _actual(prepared: Prepared, out: Folder, usage: Usage | None) -> ActualCost | None:
    """Cost of the run that did the work: a later run that had nothing to do must not overwrite it."""
    before = (_cost_before(prepared, out) or {}).get("actual")
    where = f"{(out / 'runs').url}/{prepared.study.name}{STUDY_ENDING}, cost.actual"
    known = from_json(ActualCost, before, where, "Remove it and run again.") if before else None
    if usage is None:
        return known
    mine = ActualCost(**usage.actual(), fingerprint=study_fingerprint(prepared))
    return known if known and known.fingerprint == mine.fingerprint and known.seconds > mine.seconds else mine


def _cost_before(prepared: Prepared, out: Folder) -> dict[str, Any] | None:
    name = f"{prepared.study.name}{STUDY_ENDING}"
    found = (out / "runs").read_json(name).get("cost") if (out / "runs").exists(name) else None
    return dict(found) if found else None


def stage_folders(prepared: Prepared, out: Folder) -> list[str]:
    """Folders of all stages below the cells, relative to `out`."""
    folders: dict[str, None] = {}
    for stages in prepared.curated.record["stages"].values():
        folders[stages["read"]] = None
        for passed in stages["passes"].values():
            for path in _of_pass(passed):
                folders[path] = None
    for tokenized in prepared.tokenized:
        folders[out.relative(tokenized.folder)] = None
        for path in _token_folders(tokenized, out):
            folders[path] = None
    folders |= {out.relative(folder): None for folder in prepared.found_items}
    return [path for path in folders if (out / path).exists(MANIFEST)]


def _of_pass(passed: Mapping[str, Any]) -> Iterator[str]:
    """The folders that a pass has filled, whatever levels of deduplication it had; its shards are those of the stage before."""
    for name, folder in passed.items():
        if name != "shards":
            yield from folder.values() if isinstance(folder, Mapping) else (folder,)


def _token_folders(tokenized: Tokenized, out: Folder) -> list[str]:
    return [out.relative(folder) for t in tokenized.tokens.values() for folder in (t.parts, t.folder)]
