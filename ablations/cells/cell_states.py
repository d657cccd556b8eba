"""The states of a study's cells: what is trained, what was measured of it and what was not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ablations.cells.cell_folder import ERROR, TRAINING
from ablations.cells.cells import CellPlan
from ablations.cells.measuring_plan import PlannedMeasure
from ablations.core.spec.cell_spec import CELL
from curation.runtime.errors import DamagedError
from curation.runtime.stages.stage import Output
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest, damage_at_start, finished
from curation.runtime.store.parts import read_checked

AWAY = "cannot be measured again here: its weights stayed where it was trained"
DONE, TO_MEASURE, DIVERGED = "done", "to measure", "diverged"


@dataclass(frozen=True)
class CellMeasure:
    """One measure of a trained cell, and its output, written or not."""

    planned: PlannedMeasure
    output: Output


@dataclass(frozen=True)
class CellState:
    """The state of one cell.

    Attributes:
        state: "done", "to measure" (it is trained), "diverged" (so is this, to nothing: it is not measured and enters no mean),
            "failed", "damaged", "ended" (its sweep has not, or was killed), "started" or "waiting".
        measured, missing: measures of a trained cell by label.
        away: whether its weights are elsewhere, so that nothing more can be measured of it here.
    """

    plan: CellPlan
    folder: Folder
    state: str
    note: str = ""
    measured: Mapping[str, CellMeasure] = field(default_factory=dict)
    missing: Mapping[str, CellMeasure] = field(default_factory=dict)
    away: bool = False

    @property
    def trained(self) -> bool:
        return self.state in (DONE, TO_MEASURE, DIVERGED)


def states(plans: Sequence[CellPlan], out: Folder) -> list[CellState]:
    """The state of every cell, in the order of the plans."""
    return [_state(plan, plan.output.folder(out), out) for plan in plans]


def _state(plan: CellPlan, folder: Folder, out: Folder) -> CellState:
    try:
        manifest = finished(folder, plan.output.what)
        broken = damage_at_start(folder, manifest.files) if manifest else []
        if manifest and not broken:
            return trained_state(plan, folder, manifest, out)
    except DamagedError as error:
        broken = [error]
    if broken:
        return CellState(plan, folder, "damaged", f"{broken[0].file}: {broken[0].found}; the next run trains it again")
    if folder.exists(ERROR):
        return CellState(plan, folder, "failed", str(folder.read_json(ERROR)["error"]))
    if folder.exists(TRAINING):
        return CellState(plan, folder, "ended", "is done when its sweep ends; run the study again if that was killed")
    return CellState(plan, folder, "started" if folder.exists(CELL) else "waiting")


def trained_state(plan: CellPlan, folder: Folder, manifest: Manifest, out: Folder) -> CellState:
    """A trained cell with what was measured of it, and what was not."""
    away, record = manifest.away, json.loads(read_checked(folder, TRAINING))
    points = record["points"]
    if record["diverged"]:
        return CellState(plan, folder, DIVERGED, record["diverged"], away=any(p["file"] in away for p in points[-1:]))
    here = [point for point in points if point["file"] not in away]
    measured, missing = {}, {}
    for label, planned in plan.measures.items():
        asked = plan.asked[label]
        whole = CellMeasure(planned, planned.output(plan.label, asked, points))
        fewer = CellMeasure(planned, planned.output(plan.label, asked, here)) if here != points else whole
        there = next((each for each in (whole, fewer) if _is_measured(each.output, out)), None)
        if there:
            measured[label] = there
        else:
            missing[label] = fewer
    lost = bool(missing) and points[-1] not in here
    note = AWAY if lost else ", ".join(missing)
    state = TO_MEASURE if missing else DONE
    return CellState(plan, folder, state, note, measured, missing, away=points[-1] not in here)


def _is_measured(output: Output, out: Folder) -> bool:
    folder = output.folder(out)
    try:
        manifest = finished(folder, output.what)
        return manifest is not None and not damage_at_start(folder, manifest.files)
    except DamagedError:
        return False
