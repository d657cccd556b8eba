"""The report of a study: one self-contained HTML page that a data lead understands in two minutes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ablations.report import cost, verdicts
from ablations.report.arms import arm_rows
from ablations.report.contract import FORMAT, Report
from ablations.report.curves import curves_view
from ablations.report.measures import blocks
from ablations.report.shots import task_views
from curation.dashboard import charts
from curation.dashboard import page as curation_page
from curation.dashboard.numbers import ratio
from curation.dashboard.showable import with_keys
from curation.dashboard.templating import fill, write_page

TEMPLATES = ("ablations.report", curation_page.TEMPLATES)


def render(report: Mapping[str, Any]) -> str:
    """The page of a `Report`: no network, no script, readable on paper.

    Raises:
        ValueError: a key of `Report` is missing, or it was written for another version of this program.
    """
    if report.get("format") != FORMAT:
        raise ValueError(
            f"the report has format {report.get('format')!r}, this program draws {FORMAT}. "
            "Gather it again with the program that draws it."
        )
    ready = cast(Report, with_keys(report, Report.__annotations__, "a study report"))
    with charts.unchecked():
        parts = _parts(ready)
    return fill(TEMPLATES, "study.html", title=ready["study"]["name"], **parts)


def write(report: Mapping[str, Any], path: Path) -> None:
    """`render(report)` at `path`, whole or not at all."""
    write_page(render(report), path)


def _parts(report: Report) -> dict[str, Any]:
    """What the templates need: the report itself, and figures and words made of it."""
    return {
        "run": report,
        "v": verdicts,
        "ratio": ratio,
        "instrument_state": verdicts.instrument_state(report["instrument"]),
        "effects": verdicts.effect_figures(report["verdicts"]),
        "arm_rows": arm_rows(report["arms"]),
        "blocks": blocks(report["measures"], report["arms"]),
        "tasks": task_views(report["shots"], {arm["arm"] for arm in report["arms"] if arm["control"]}),
        "curves": curves_view(report["curves"], {m["measure"]: m["unit"] for m in report["measures"]}),
        "cost_lines": cost.cost_lines(report["cost"]),
        "time_headline": cost.time_headline(report["cost"]),
        "work_figure": cost.work_figure(report["cost"]),
        **curation_page.curation_parts(report),
    }
