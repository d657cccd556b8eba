"""The report of a study: one self-contained HTML page that a data lead understands in two minutes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ablations.report.contents.contract import FORMAT, Report
from ablations.report.contents.values import Values
from ablations.report.views import cost, verdicts
from ablations.report.views.arms import arm_rows
from ablations.report.views.curves import curves_view
from ablations.report.views.measures import parts
from ablations.report.views.mechanisms import mechanisms
from ablations.report.views.midpoints import midpoint_marks
from ablations.report.views.onsets import onset_rows
from ablations.report.views.pairs import pairs_view
from ablations.report.views.readings_by_task import readings_view
from ablations.report.views.recognising import recognising
from ablations.report.views.seeds import seeds_view
from ablations.report.views.shots import shots_view
from ablations.report.views.sizes import sizes_view
from ablations.report.views.synergy import synergy_view
from curation.dashboard import charts
from curation.dashboard import page as curation_page
from curation.dashboard.numbers import ratio
from curation.dashboard.showable import with_keys
from curation.dashboard.templating import fill

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
        made = _parts(ready)
    return fill(TEMPLATES, "study.html", title=ready["study"]["name"], **made)


def _parts(report: Report) -> dict[str, Any]:
    """What the templates need: the report itself, and figures and words made of it."""
    values = Values(report["measures"], report["arms"])
    marks = midpoint_marks(values)
    return {
        "run": report,
        "v": verdicts,
        "ratio": ratio,
        "instrument_state": verdicts.instrument_state(report["instrument"]),
        "said": verdicts.verdicts_view(
            report["verdicts"], {cell["cell"] for cell in report["cost"]["cells"]}, values.title
        ),
        "effects": verdicts.effect_figures(report["verdicts"]),
        "arm_rows": arm_rows(report["arms"]),
        "measures": parts(report["measures"], report["arms"], values.primary(), marks),
        "midpoints": marks,
        "seeds": seeds_view(values),
        "sizes": sizes_view(values, report["arms"]),
        "synergy": synergy_view(values, report["arms"]),
        "pairs": pairs_view(values, report["verdicts"], report["onset_predictions"]),
        "shots": shots_view(report["shots"], set(values.controls)),
        "readings": readings_view(values),
        "mechanisms": mechanisms(values, report["positions"], report["heads"]),
        "recognised": recognising(values),
        "onset_predictions": onset_rows(report["onset_predictions"], values.title),
        "curves": curves_view(report["curves"], {m["measure"]: m["unit"] for m in report["measures"]}),
        "cost_lines": cost.cost_lines(report["cost"]),
        "time_headline": cost.time_headline(report["cost"]),
        "work_figure": cost.work_figure(report["cost"]),
        **curation_page.curation_parts(report),
    }
