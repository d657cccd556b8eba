"""The dashboard of a curation run: one self-contained HTML page, made of manifests and scores alone."""

from __future__ import annotations

from typing import Any

from curation.dashboard import charts
from curation.dashboard.contents import CurationRun
from curation.dashboard.funnel import funnel_view
from curation.dashboard.histograms import histogram_figures, unscored
from curation.dashboard.palette import styles
from curation.dashboard.showable import showable
from curation.dashboard.templating import fill

TEMPLATES = "curation.dashboard"


def render(run: CurationRun) -> str:
    """The page of a curation: no network, no script, readable on paper."""
    ready = showable(run)
    with charts.unchecked():
        parts = curation_parts(ready)
    return fill((TEMPLATES,), "curation.html", title="Curation run", run=ready, **parts)


def curation_parts(run: CurationRun) -> dict[str, Any]:
    """What the templates of the funnel and of the histograms need besides the run, here and in the study report."""
    drawn = styles(name for histogram in run.histograms for name in histogram.sources)
    return {
        "funnel": funnel_view(run.funnel),
        "histograms": histogram_figures(run.histograms, drawn),
        "unscored": unscored(run.histograms),
        "source_styles": drawn,
    }
