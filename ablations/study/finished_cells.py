"""Finished cells are measured again, or adopted under new code. Nothing else is trained for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablations.cells import adopting, sweep
from ablations.cells.cell_states import CellState, states, trained_state
from ablations.cells.measure_choice import MeasureChoice
from ablations.cells.recorded_plans import recorded_plan
from ablations.cells.standing import Standing
from ablations.core.results.readings import Reading
from ablations.study import record
from ablations.study.opening import prepared_study
from curation.runtime.command_line.command import table
from curation.runtime.command_line.options import Command
from curation.runtime.errors import ConfigError
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest

CONFIGS = (".yaml", ".yml")


@dataclass(frozen=True)
class MeasuredCells:
    """The outcome of measuring again.

    Attributes:
        of_study: whether it was of all cells of a study.
        cells: that were measured now.
        standing: of the study's cells, or of the named one.
        readings: of the named cell by full name, of the measures that were asked for; empty for a study.
        missing: the measures that were asked for and are not there, by cell.
    """

    of_study: bool
    cells: int
    standing: Standing
    readings: Mapping[str, Reading]
    missing: Mapping[str, Sequence[str]]


def measure(command: Command, wanted: MeasureChoice) -> MeasuredCells:
    """Measure the trained cells of a study's file, or the cell of this name."""
    if command.path.endswith(CONFIGS):
        return _study(command, wanted)
    if command.settings:
        found = f"{command.path}: is a cell, and --set changes a study"
        raise ConfigError(f"{found}. Leave it out, or give the study's file.")
    return _cell(command, wanted)


def _study(command: Command, wanted: MeasureChoice) -> MeasuredCells:
    prepared = prepared_study(command)
    wanted.check_tasks(prepared.plans)
    plans = [wanted.added_to(plan) for plan in prepared.plans]
    with command.running(prepared.study.name) as out:
        cells = sweep.measure(states(plans, out), out, command.compute, wanted)
        record.write_record(prepared, out)
    after = states(plans, out)
    missing = {state.plan.name: labels for state in after if (labels := _missing(state, wanted))}
    return MeasuredCells(True, cells, Standing.of(after), {}, missing)


def _cell(command: Command, wanted: MeasureChoice) -> MeasuredCells:
    out = command.folder
    recorded = recorded_plan(out, command.path.rstrip("/").rsplit("/", 1)[-1], command.read_plugins())
    wanted.check_tasks([recorded.plan])
    plan, folder = wanted.added_to(recorded.plan), recorded.folder
    for metric in recorded.unknown:
        command.note(f"{metric}: comes from a plugin; name its file with --plugin to measure it")
    with command.running(recorded.study):
        before = trained_state(plan, folder, Manifest.load(folder), out)
        cells = sweep.measure([before], out, command.compute, wanted)
    state = trained_state(plan, folder, Manifest.load(folder), out)
    labels = _missing(state, wanted)
    missing = {folder.name: labels} if labels else {}
    return MeasuredCells(False, cells, Standing.of([state]), _readings(state, wanted, out), missing)


def measured_text(measured: MeasuredCells) -> str:
    """The states of a study's cells, or every number of the named one."""
    if measured.of_study:
        return f"{measured.standing.table}\n\n{measured.cells} cells measured. {measured.standing.summary}"
    rows = [(name, each.value, each.unit, each.words) for name, each in measured.readings.items()]
    return table(("measure", "value", "unit", "what it is"), rows)


def _missing(state: CellState, wanted: MeasureChoice) -> list[str]:
    return [label for label, each in state.missing.items() if wanted(each.planned)]


def _readings(state: CellState, wanted: MeasureChoice, out: Folder) -> Mapping[str, Reading]:
    meant = {label: each for label, each in state.measured.items() if wanted(each.planned)}
    return sweep.result_of(dataclasses.replace(state, measured=meant), out).readings


@dataclass(frozen=True)
class AdoptedCells:
    """One entry of `tried` for each shape that had cells finished only under other code."""

    tried: Sequence[adopting.Tried]
    standing: Standing


def adopt(command: Command) -> AdoptedCells:
    """Keep finished cells under the code that is installed now, where it trains the same weights."""
    prepared = prepared_study(command)
    with command.running(prepared.study.name) as out:
        tried = adopting.adopt(prepared.plans, out, command.compute)
        record.write_record(prepared, out)
    return AdoptedCells(tried, Standing.of(states(prepared.plans, out)))


def adopted_text(adopted: AdoptedCells) -> str:
    lines = []
    for each in adopted.tried:
        equal = f"its weights are equal bit for bit: {len(each.adopted)} other cells of its shape keep theirs"
        other = "its weights are other ones: cells of its shape have to be trained again"
        lines.append(f"{each.cell}: trained anew, {equal if each.equal else other}")
    none = "nothing to adopt: no cell of this study is finished under other code alone"
    return "\n".join([*(lines or [none]), adopted.standing.summary])
