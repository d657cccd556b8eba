"""What the commands about studies do; the heavy imports of the `loam` command begin here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ablations.cells import sweep
from ablations.cells.cell_states import CellState, states, summary
from ablations.settings import study as settings
from ablations.study import dry_run as plan
from ablations.study import pipeline as studies
from ablations.study.pipeline import Prepared
from curation.cli import funnel_table
from curation.recipes.recipe import Recipe
from curation.runtime.cluster.cluster import Compute, Idle
from curation.runtime.command_line.command import echo_warnings, table
from curation.runtime.command_line.running import running
from curation.runtime.command_line.usage import Usage
from curation.runtime.progress import meter
from curation.runtime.store.folder import Folder, open_out


@dataclass(frozen=True)
class Where:
    """Where and how a command works; changes no byte of any result."""

    out: str
    workers: int | None
    ray_address: str | None

    @property
    def compute(self) -> Compute:
        return Compute(self.ray_address, self.workers)


if TYPE_CHECKING:
    from ablations.evidence import power as planner
    from ablations.evidence.compare import Comparison
    from ablations.report.contents import Report


def study(path: str, changes: Sequence[str], plugins: Sequence[str], where: Where) -> None:
    """`loam study`."""
    from ablations.study import estimate, record
    from ablations.study import report_data as data

    loaded, recipe = loaded_study(path, changes, plugins)
    out = open_out(where.out)
    with running(out, loaded.name, where.compute), Usage(out) as usage:
        predicted = estimate.kept_or_made(loaded, recipe, out, where.compute)
        prepared = studies.run(loaded, recipe, out, where.compute, record.write_record)
        made = data.study_report(prepared, out, predicted, usage)
        record.write_record(prepared, out, made.cost)
        written = write_report(made, loaded.name, out)
    _print_end(made, written)


def gallery() -> None:
    """`loam study gallery`."""
    from ablations.study import gallery as shown

    click.echo("\n".join(shown.lines(shown.entries())))


def run(path: str, changes: Sequence[str], plugins: Sequence[str], where: Where) -> None:
    """`loam ablate run`."""
    from ablations.study import record

    loaded, recipe = loaded_study(path, changes, plugins)
    out = open_out(where.out)
    with running(out, loaded.name, where.compute):
        prepared = studies.run(loaded, recipe, out, where.compute, record.write_record)
    click.echo(f"{summary(states(prepared.plans, out))}. Write the report with: loam ablate report {path}")


def status(path: str, changes: Sequence[str], plugins: Sequence[str], where: Where) -> list[CellState]:
    """`loam ablate status`."""
    prepared = prepared_study(path, changes, plugins, where)
    return states(prepared.plans, open_out(where.out))


def report(path: str, changes: Sequence[str], plugins: Sequence[str], where: Where) -> None:
    """`loam ablate report`."""
    from ablations.study import estimate, record
    from ablations.study import report_data as data

    prepared = prepared_study(path, changes, plugins, where)
    out = open_out(where.out)
    predicted = estimate.kept(prepared.study, prepared.recipe, out)
    made = data.study_report(prepared, out, predicted, None)
    record.write_record(prepared, out, made.cost)
    _print_end(made, write_report(made, prepared.study.name, out))


def planned(
    path: str, changes: Sequence[str], plugins: Sequence[str], where: Where, pilot: str | None
) -> planner.StudyPlan:
    """`loam ablate plan`."""
    from ablations.evidence import power as planner
    from ablations.evidence.pilot import finished_cells, pilot_of
    from ablations.study.drafts import drafts
    from ablations.study.rough_cost import cell_seconds

    loaded, recipe = settings.load(path, changes, plugins)
    studies.check(loaded, recipe)
    found = (
        pilot_of(pilot, plugins=loaded.loaded_plugins)
        if pilot
        else finished_cells(Folder(where.out.rstrip("/") or "/"), loaded.name, loaded.loaded_plugins)
    )
    seconds = [] if found.seconds else [cell_seconds(draft) for draft in drafts(loaded)]
    return planner.make(loaded, found, seconds)


def compared(
    path: str, a: str, b: str, measure: str, changes: Sequence[str], plugins: Sequence[str], where: Where
) -> Comparison:
    """`loam ablate compare`."""
    from ablations.evidence.compare import compare

    prepared = prepared_study(path, changes, plugins, where)
    out = open_out(where.out)
    return compare(sweep.results(states(prepared.plans, out), out), a, b, measure)


def export_queries(folder: str, out: str, fields: Sequence[str], shuffled: bool, plugins: Sequence[str]) -> None:
    """`loam ablate export-queries`."""
    from pathlib import Path

    from ablations.prompts import export_queries
    from curation.runtime.registry import Plugin

    said = export_queries.parse_fields(fields)
    read = [Plugin.read(plugin) for plugin in plugins]
    done = export_queries.export(Path(folder), Path(out), said, read, shuffled)
    rows = [(*place, texts) for place, texts in done.texts.items()]
    click.echo(table(("task", "split", "field", "texts"), rows))
    for reason, texts in done.left_out.items():
        click.echo(f"left out: {texts:,} texts, {reason}")
    click.echo(f"\n{sum(done.texts.values()):,} texts in")
    click.echo(out)


def loaded_study(path: str, changes: Sequence[str], plugins: Sequence[str]) -> tuple[settings.Study, Recipe]:
    """A study and its recipe, checked as far as can be without reading text."""
    loaded, recipe = settings.load(path, changes, plugins)
    studies.check(loaded, recipe)
    if warning := studies.undecidable(loaded):
        click.echo(f"warning: {warning}", err=True)
    return loaded, recipe


def prepared_study(path: str, changes: Sequence[str], plugins: Sequence[str], where: Where) -> Prepared:
    """The plans of a study whose curation and tokens are finished; nothing is run for it.

    Raises:
        ConfigError: they are not.
    """
    loaded, recipe = loaded_study(path, changes, plugins)
    waiting = f"{path}: not curated and encoded in {where.out} yet. Run `loam ablate run {path}` first."
    return studies.prepare(loaded, recipe, open_out(where.out), Idle(message=waiting))


def write_report(made: Report, name: str, out: Folder) -> str:
    """The report as HTML and as JSON; returns the path of the page. One that says the same already is kept."""
    from ablations.report import page
    from curation.dashboard.as_json import to_json

    folder, value = out / "reports", to_json(made)
    if not _is_there(value, folder, name):
        with meter("report", 1):
            folder.write(f"{name}.html", page.render(made).encode())
        folder.write_json(f"{name}.json", value)  # last: it exists = both do
    return f"{folder.url}/{name}.html"


def _is_there(value: dict[str, Any], folder: Folder, name: str) -> bool:
    """Whether the last report differs only in when it was made and in what that run happened to find done."""
    if not (folder.exists(f"{name}.json") and folder.exists(f"{name}.html")):
        return False
    return _lasting(value) == _lasting(folder.read_json(f"{name}.json"))


def _lasting(report: dict[str, Any]) -> dict[str, Any]:
    return {**report, "study": {**report["study"], "created": None}, "cost": report["cost"]["actual"]}


def _print_end(made: Report, written: str) -> None:
    click.echo(funnel_table(made.funnel))
    echo_warnings(made.warnings)
    click.echo(f"\n{made.instrument.sentence}")
    if rows := [(verdict.sentence, verdict.effect, verdict.why) for verdict in made.verdicts if verdict.registered]:
        click.echo("\n" + table(("verdict", "effect", "why"), rows))
    click.echo("\nreport:")
    print(written)


def dry_run(path: str, changes: Sequence[str], plugins: Sequence[str], where: Where) -> None:
    """`loam study --dry-run`."""
    from ablations.study import estimate

    loaded, recipe = loaded_study(path, changes, plugins)
    from ablations.study.resolved import resolved, said
    from curation.recipes.resolved_yaml import resolved_yaml

    click.echo(resolved_yaml(resolved(loaded, recipe), said(loaded, recipe)))
    click.echo("\n".join(plan.tree(loaded, recipe)))
    made = estimate.make(loaded, recipe, where.compute)
    click.echo("\n" + "\n".join(estimate.lines(made)))
    click.echo("\nnothing was written")
