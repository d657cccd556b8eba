"""Many cells on Ray: finished ones are never run again, a failed one takes no other along, results are merged by hash."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ablations.cell_folder import ERROR, RESULT, SPEC
from ablations.cells import CellPlan
from ablations.statistics.measures import CellResult, values_of
from ablations.text_metrics import text_readings
from curation.runtime.cluster import Compute
from curation.runtime.errors import StageError
from curation.runtime.manifest import finished
from curation.runtime.stages import run_stages
from curation.runtime.store import Folder


@dataclass(frozen=True)
class CellState:
    """Where a cell stands: "done", "failed", "ended" (its sweep has not, or was killed), "started" or "waiting"."""

    plan: CellPlan
    folder: Folder
    state: str
    note: str = ""


def run_sweep(plans: Sequence[CellPlan], out: Folder, compute: Compute) -> None:
    """Run the cells that are not finished.

    Raises:
        StageError: some cells failed; the others were finished all the same.
    """
    try:
        run_stages([plan.stage() for plan in plans], out, compute, "cells")
    except StageError as error:
        failed = [state for state in states(plans, out) if state.state != "done"]
        raise StageError(
            f"{len(failed)} of {len(plans)} cells failed, the others are finished. First: {error}"
        ) from error


def states(plans: Sequence[CellPlan], out: Folder) -> list[CellState]:
    """Where every cell stands, in the order of the plans."""
    return [_state(plan, plan.output.folder(out)) for plan in plans]


def _state(plan: CellPlan, folder: Folder) -> CellState:
    if finished(folder, plan.output.what):
        return CellState(plan, folder, "done")
    if folder.exists(ERROR):
        return CellState(plan, folder, "failed", str(folder.read_json(ERROR)["error"]))
    if folder.exists(RESULT):
        return CellState(plan, folder, "ended", "is done when its sweep ends; run the study again if that was killed")
    return CellState(plan, folder, "started" if folder.exists(SPEC) else "waiting")


def results(plans: Sequence[CellPlan], out: Folder) -> list[CellResult]:
    """Results of the finished cells, with the text metrics of their written answers.

    A result belongs to a plan by the hash of everything that it depends on.
    """
    found: list[CellResult] = []
    for state in states(plans, out):
        if state.state == "done":
            result: dict[str, Any] = json.loads(state.folder.read(RESULT))
            name = state.folder.url.rstrip("/").rsplit("/", 1)[-1]
            tasks = {path: task.text for path, task in state.plan.tasks.items()}
            texts = text_readings(state.folder, result, tasks, state.plan.tokenizer)
            values, kept = values_of(result) | texts.values, {**result, "signatures": texts.signatures}
            found.append(CellResult(name, state.plan.arm, state.plan.seed, values, kept))
    return found
