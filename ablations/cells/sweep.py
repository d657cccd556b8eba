"""Many cells on Ray: each is trained once, then measured; a failed one stops no other, results are found by hash."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ablations.cells.cell_files import CellFiles, cell_result
from ablations.cells.cell_states import DIVERGED, CellState, states
from ablations.cells.cells import CellPlan
from ablations.cells.measure_job import ToMeasure
from ablations.cells.measuring_plan import PlannedMeasure
from ablations.statistics.cell_result import CellResult
from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import StageError
from curation.runtime.stages.stage import Stage
from curation.runtime.stages.stages import run_stages
from curation.runtime.store.folder import Folder

IsWanted = Callable[[PlannedMeasure], bool]


def everything(_: PlannedMeasure) -> bool:
    return True


def run_sweep(plans: Sequence[CellPlan], out: Folder, compute: Compute) -> None:
    """Train the cells that are not trained, and measure what is not measured of those that are.

    Raises:
        StageError: some cells failed; the others were trained and measured all the same.
    """
    try:
        train(plans, out, compute)
    except StageError as error:
        measure(states(plans, out), out, compute)
        raise error
    measure(states(plans, out), out, compute)


def train(plans: Sequence[CellPlan], out: Folder, compute: Compute) -> None:
    """Train the cells that are not trained.

    Raises:
        StageError: some failed; the others were trained all the same.
    """
    try:
        run_stages([plan.stage() for plan in plans], out, compute, "cells")
    except StageError as error:
        failed = [state for state in states(plans, out) if not state.trained]
        message = f"{len(failed)} of {len(plans)} cells failed, the others are trained. First: {error}"
        raise StageError(message, error.damaged) from error


def measure(cells: Sequence[CellState], out: Folder, compute: Compute, wanted: IsWanted = everything) -> int:
    """Measure what is missing of trained cells whose weights are here; returns of how many cells something was measured.

    Args:
        wanted: whether to take a measure.
    """
    stages = [stage for state in cells if (stage := measuring_stage(state, out, wanted))]
    run_stages(stages, out, compute, "measures")
    return len(stages)


def measuring_stage(state: CellState, out: Folder, wanted: IsWanted = everything) -> Stage[None, ToMeasure] | None:
    """A stage for the missing measures of a cell; None if there are none, or they cannot be measured here."""
    todo = {label: each for label, each in state.missing.items() if wanted(each.planned)}
    if not todo or state.away:
        return None
    plan, measuring = state.plan, state.plan.measuring
    tasks = {each.planned.task for each in todo.values() if each.planned.task}
    asked = ToMeasure(
        spec=plan.spec,
        cell=state.folder,
        machine=plan.machine,
        measuring=measuring.spec,
        wanted={label: (each.planned.metric, each.planned.task) for label, each in todo.items()},
        train={stem: tokens.folder for stem, tokens in plan.tokens.items()},
        heldout={measuring.spec.heldout[source]: tokens.folder for source, tokens in measuring.heldout.items()},
        items={task: measuring.items[task].stored(out) for task in sorted(tasks)},
        plugins=measuring.plugins,
        tokenizer=plan.tokenizer,
    )
    return asked.stage({label: each.output for label, each in todo.items()})


def cell_files(state: CellState, out: Folder) -> CellFiles:
    """Where the files of a trained cell are."""
    plan = state.plan
    folders = {label: each.output.folder(out) for label, each in state.measured.items()}
    items = {task: file.value for task, file in plan.measuring.items.items()}
    return CellFiles(plan.arm, plan.seed, state.folder, folders, items, plan.measuring.plugins)


_read: dict[tuple[str, ...], CellResult] = {}


def results(cells: Sequence[CellState], out: Folder) -> list[CellResult]:
    """Results of the trained cells, of everything that was measured of them; those that diverged have none.

    A measure belongs to a plan by the hash of everything that it depends on. What was read once is kept for the process.
    """
    return [result_of(state, out) for state in cells if state.trained and state.state != DIVERGED]


def result_of(state: CellState, out: Folder) -> CellResult:
    """Of one trained cell, of what was measured of it."""
    files = cell_files(state, out)
    digests = [file.digest for file in state.plan.measuring.items.values()]
    key = (files.folder.url, *sorted(folder.url for folder in files.measures.values()), *digests)
    if key not in _read:
        _read[key] = cell_result(files)
    return _read[key]
