"""What `loam ablate measure` does: finished cells are measured, nothing is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import click

from ablations.cells import sweep
from ablations.cells.cell_states import CellState, states, summary, trained_state
from ablations.cells.cells import CellPlan
from ablations.cells.measuring_plan import PlannedMeasure
from ablations.cells.recorded_plans import recorded_plan
from ablations.commands import Where, prepared_study
from ablations.core.metrics.registry import METRICS
from curation.runtime.command_line.command import table
from curation.runtime.command_line.running import running
from curation.runtime.errors import ConfigError, one_of
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder, open_out
from curation.runtime.store.manifest import Manifest

CONFIGS = (".yaml", ".yml")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What of the measures is meant; everything where nothing is named."""

    tasks: Sequence[str] = ()
    metrics: Sequence[str] = ()

    def __call__(self, planned: PlannedMeasure) -> bool:
        of_task = not self.tasks or planned.task in self.tasks
        return of_task and (not self.metrics or planned.metric in self.metrics)

    def added_to(self, plan: CellPlan) -> CellPlan:
        """The plan with the metrics that are named and that its study does not list.

        Raises:
            ConfigError: a metric or task that there is not.
        """
        measuring = plan.measuring
        known = METRICS.catalogue(measuring.plugins)
        for name in self.metrics:
            if name not in known:
                raise ConfigError(f"--metric: {one_of(known, name, 'metric')}")
        metrics = tuple(dict.fromkeys((*measuring.spec.metrics, *self.metrics)))
        spec = dataclasses.replace(measuring.spec, metrics=metrics)
        return dataclasses.replace(plan, measuring=dataclasses.replace(measuring, spec=spec))

    def check_tasks(self, plans: Sequence[CellPlan]) -> None:
        tasks = {task for plan in plans for task in plan.measuring.items}
        for name in self.tasks:
            if name not in tasks:
                raise ConfigError(f"--task: {one_of(tasks, name, 'task')}")


def measure(target: str, wanted: Wanted, changes: Sequence[str], plugins: Sequence[str], where: Where) -> bool:
    """`loam ablate measure`; whether all that was wanted is measured now."""
    if target.endswith(CONFIGS):
        return _study(target, wanted, changes, plugins, where)
    if changes:
        raise ConfigError(f"{target}: is a cell, and --set changes a study. Leave it out, or give the study's file.")
    return _cell(target, wanted, [Plugin.read(path) for path in plugins], where)


def _study(path: str, wanted: Wanted, changes: Sequence[str], plugins: Sequence[str], where: Where) -> bool:
    from ablations.study import record

    prepared = prepared_study(path, changes, plugins, where)
    out = open_out(where.out)
    wanted.check_tasks(prepared.plans)
    plans = [wanted.added_to(plan) for plan in prepared.plans]
    with running(out, prepared.study.name, where.compute):
        done = sweep.measure(states(plans, out), out, where.compute, wanted)
        record.write_record(prepared, out)
    found = states(plans, out)
    click.echo(table(("cell", "state", "note"), [(each.plan.name, each.state, each.note) for each in found]))
    click.echo(f"\n{done} cells measured. {summary(found)}")
    return not any(wanted(each.planned) for state in found for each in state.missing.values())


def _cell(name: str, wanted: Wanted, plugins: Sequence[Plugin], where: Where) -> bool:
    out = Folder(where.out.rstrip("/") or "/")
    found = recorded_plan(out, name.rstrip("/").rsplit("/", 1)[-1], plugins)
    wanted.check_tasks([found.plan])
    plan = wanted.added_to(found.plan)
    for metric in found.unknown:
        click.echo(f"{metric}: comes from a plugin; name its file with --plugin to measure it", err=True)
    with running(out, found.study, where.compute):
        sweep.measure([trained_state(plan, found.folder, Manifest.load(found.folder), out)], out, where.compute, wanted)
    state = trained_state(plan, found.folder, Manifest.load(found.folder), out)
    _print_readings(state, wanted, out)
    missing = [label for label, each in state.missing.items() if wanted(each.planned)]
    if missing:
        click.echo(f"{found.folder.name}: {', '.join(missing)}: {state.note}", err=True)
    return not missing


def _print_readings(state: CellState, wanted: Wanted, out: Folder) -> None:
    """Every number of the measures that were meant."""
    meant = {label: each for label, each in state.measured.items() if wanted(each.planned)}
    result = sweep.result_of(dataclasses.replace(state, measured=meant), out)
    rows = [(each.name, each.value, each.unit, each.words) for each in result.readings.values()]
    click.echo(table(("measure", "value", "unit", "what it is"), rows))
