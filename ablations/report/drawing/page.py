"""The report of a study: one self-contained HTML page that a data lead understands in two minutes."""

from __future__ import annotations

from typing import Any

from ablations.report.contents import Report
from ablations.report.drawing import arms, cost, curves, mechanisms, points, shots, synergy, tables, verdicts
from ablations.report.values import Values
from curation.dashboard import charts
from curation.dashboard import page as curation_page
from curation.dashboard.numbers import ratio
from curation.dashboard.showable import showable
from curation.dashboard.templating import fill

TEMPLATES = ("ablations.report", curation_page.TEMPLATES)


def render(report: Report) -> str:
    """The page of a report: no network, no script, readable on paper."""
    ready = showable(report)
    with charts.unchecked():
        parts = _parts(ready)
    return fill(TEMPLATES, "study.html", title=ready.study.name, **parts)


def _parts(report: Report) -> dict[str, Any]:
    """What the templates need: the report itself, its values, figures, and functions for words and rows."""
    values = Values(report.measures, report.arms)
    marks = tables.midpoint_marks(values)
    return {
        "run": report,
        "values": values,
        "v": verdicts,
        "ratio": ratio,
        "instrument_state": verdicts.instrument_state(report.instrument),
        "timed_cells": {cell.cell for cell in report.cost.cells},
        "effects": verdicts.effect_figures(report.verdicts),
        "arms": arms,
        "tables": tables,
        "measures": tables.parts(values, report.measures, values.primary(), marks),
        "midpoints": marks,
        "seeds": points.seeds_view(values),
        "sizes": arms.sizes_view(values, report.arms),
        "synergy": synergy,
        "matrices": synergy.matrices(values, report.arms),
        "pairs": points.pairs_view(values, report.verdicts, report.onset_predictions),
        "shots": shots.shots_view(report.shots, set(values.controls)),
        "mechanisms": mechanisms,
        "positions": mechanisms.positions_view([row for row in report.positions if row.arm in values.real]),
        "curves": curves.curves_view(report.curves, values.unit),
        "cost": cost,
        "work_figure": cost.work_figure(report.cost),
        **curation_page.curation_parts(report),
    }
