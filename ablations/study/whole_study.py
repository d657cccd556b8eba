"""A study from raw text to its report, and each way of going only so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablations.cells.cell_states import states
from ablations.cells.standing import Standing
from ablations.report.contents import Report
from ablations.study import estimate, record, report_data
from ablations.study import pipeline as studies
from ablations.study.opening import prepared_study, study_to_run
from curation.cli_text import funnel_table
from curation.dashboard.contents import Funnel
from curation.runtime.command_line.command import table, warning_lines
from curation.runtime.command_line.options import Command
from curation.runtime.command_line.usage import Usage
from curation.runtime.progress import meter
from curation.runtime.store.folder import Folder


@dataclass(frozen=True)
class StudyEnd:
    """The outcome of a finished study.

    Attributes:
        answer: what its registered claims say to its question.
        page: the report to look at.
        report: the same as JSON.
        works: whether every control gave what it must, None where there were none; `instrument` is the sentence.
        funnel: source -> where its rows went, as the record of the curation has it.
        verdicts: on the registered claims.
        one_rate: of which of them nobody knows whether they hold at other learning rates.
        stands_at: at which value of a nuisance each arm stands, where it was run at several.
    """

    study: str
    answer: str
    page: str
    report: str
    works: bool | None
    instrument: str
    funnel: Mapping[str, Funnel]
    warnings: Sequence[str]
    verdicts: Sequence[ShortVerdict]
    one_rate: str
    stands_at: Sequence[str]


@dataclass(frozen=True)
class ShortVerdict:
    """One claim's outcome, and where else it holds; the report has everything that a reader needs to doubt it."""

    sentence: str
    outcome: str
    effect: float | None
    why: str
    robust: Sequence[str]


def run(command: Command) -> StudyEnd:
    """Everything that is missing, up to the report."""
    study, recipe = study_to_run(command)
    with command.running(study.name) as out, Usage(out) as usage:
        predicted = estimate.stored_or_new(study, recipe, out, command.compute)
        prepared = studies.run(study, recipe, out, command.compute, record.write_record)
        report = report_data.study_report(prepared, out, predicted, usage)
        record.write_record(prepared, out, report.cost)
        page = write_report(report, study.name, out)
    return _end(report, page)


def run_cells(command: Command) -> Standing:
    """Everything that is missing, up to the measured cells."""
    study, recipe = study_to_run(command)
    with command.running(study.name) as out:
        prepared = studies.run(study, recipe, out, command.compute, record.write_record)
    return Standing.of(states(prepared.plans, out))


def status(command: Command) -> Standing:
    """The states of a study's cells. Runs nothing."""
    return Standing.of(states(prepared_study(command).plans, command.opened()))


def report(command: Command) -> StudyEnd:
    """The report of the cells that are finished. Runs nothing."""
    prepared, out = prepared_study(command), command.opened()
    predicted = estimate.stored_estimate(prepared.study, prepared.recipe, out)
    report = report_data.study_report(prepared, out, predicted, None)
    record.write_record(prepared, out, report.cost)
    return _end(report, write_report(report, prepared.study.name, out))


def _end(report: Report, page: str) -> StudyEnd:
    verdicts = [
        ShortVerdict(each.sentence, each.outcome, each.effect, each.why, each.robust)
        for each in report.verdicts
        if each.registered
    ]
    instrument = report.instrument
    return StudyEnd(
        report.study.name, report.study.answer, page, f"{page.removesuffix('html')}json", instrument.works, instrument.sentence,
        report.funnel, report.warnings, verdicts, report.study.one_rate, report.study.stands_at,
    )  # fmt: skip


def as_text(end: StudyEnd) -> str:
    """The funnel, the warnings, whether the instrument works, the verdicts; the last line is the path of the page."""
    lines = [funnel_table(end.funnel), *warning_lines(end.warnings), f"\n{end.instrument}"]
    if end.verdicts:
        rows = [("; ".join((each.sentence, *each.robust)), each.effect, each.why) for each in end.verdicts]
        lines.append("\n" + table(("verdict", "effect", "why"), rows))
        lines += [f"\n{end.one_rate}"] if end.one_rate else []
    lines += ["", *(f"{each}." for each in end.stands_at)] if end.stands_at else []
    return "\n".join((*lines, f"\n{end.answer}", "\nreport:", end.page))


def write_report(report: Report, name: str, out: Folder) -> str:
    """The report as HTML and as JSON; returns the path of the page. A report with the same content is left as it is."""
    from ablations.report.drawing import page
    from curation.dashboard.as_json import to_json

    folder, value = out / "reports", to_json(report)
    if not _is_there(value, folder, name):
        with meter("report", 1):
            folder.write(f"{name}.html", page.render(report).encode())
        folder.write_json(f"{name}.json", value)  # last: it exists = both do
    return f"{folder.url}/{name}.html"


def _is_there(value: dict[str, Any], folder: Folder, name: str) -> bool:
    """Whether the last report differs only in its date and in what that run did not have to do."""
    if not (folder.exists(f"{name}.json") and folder.exists(f"{name}.html")):
        return False
    return _lasting(value) == _lasting(folder.read_json(f"{name}.json"))


def _lasting(report: dict[str, Any]) -> dict[str, Any]:
    return {**report, "study": {**report["study"], "created": None}, "cost": report["cost"]["actual"]}
