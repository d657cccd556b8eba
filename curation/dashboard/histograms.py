"""How the documents of each source score, and where the policy cuts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import altair as alt
from markupsafe import Markup

from curation.dashboard import charts
from curation.dashboard.contents import Histogram, SourceHistogram
from curation.dashboard.numbers import setting
from curation.dashboard.palette import BLACK, Style

COLUMNS = 3
WIDTH, HEIGHT = 345, 150


@dataclass(frozen=True)
class Limit:
    """A threshold; `words` name its sources unless it holds for all, `only`: the one source that it is for, if so."""

    value: float
    words: str
    only: str
    in_view: bool = True


def histogram_figures(histograms: Sequence[Histogram], styles: Mapping[str, Style]) -> list[Markup]:
    """Small multiples, one for each score of each pass. A score that no document has is left to `unscored`."""
    panels = [_panel(histogram, styles) for histogram in histograms if _scored(histogram)]
    return charts.side_by_side(panels, COLUMNS, "histogram", "Histogram of scores by source, with thresholds")


def unscored(histograms: Sequence[Histogram]) -> list[str]:
    """Names of the scores without any document."""
    return [f"{h.pass_}: {h.annotator}.{h.column}" for h in histograms if not _scored(h)]


def _scored(histogram: Histogram) -> dict[str, SourceHistogram]:
    return {name: s for name, s in histogram.sources.items() if sum(s.counts) and len(s.edges) > 1}


def _panel(histogram: Histogram, styles: Mapping[str, Style]) -> Any:
    steps = [row for name, source in _scored(histogram).items() for row in _steps(name, source)]
    edges = [row["x"] for row in steps]
    limits = [_seen(limit, histogram.log, edges) for limit in _limits(histogram)]
    near = [limit for limit in limits if limit.in_view]
    where = [*edges, *(limit.value for limit in near)]
    x = alt.X("x:Q", title=histogram.unit or histogram.column, **_scale(histogram.log, where))
    lines = (
        alt.Chart(charts.data(steps))
        .mark_line(interpolate="step-after", strokeWidth=1.6)
        .encode(
            x,
            alt.Y("share:Q", title="share of documents", axis=alt.Axis(format="~%", tickCount=4)),
            charts.colour(styles, "source"),
            charts.dash(styles, "source"),
        )
    )
    layers = [lines, _threshold_layer(near, x, styles)] if near else [lines]
    named = f"{histogram.annotator}, pass {histogram.pass_}"
    title = charts.heading(
        histogram.column,
        named,
        "thresholds: " + ", ".join(limit.words for limit in limits) if limits else "no threshold",
    )
    return alt.layer(*layers, title=title).properties(width=WIDTH, height=HEIGHT)


def _threshold_layer(limits: list[Limit], x: Any, styles: Mapping[str, Style]) -> Any:
    """A dashed line for each threshold: black, or the colour of the one source that it is for."""
    rows = [{"x": limit.value, "colour": styles[limit.only].colour if limit.only else BLACK} for limit in limits]
    rules = alt.Chart(charts.data(rows)).mark_rule(strokeDash=[4, 3], strokeWidth=1.4)
    return rules.encode(x, alt.Color("colour:N", scale=None))


def _steps(name: str, source: SourceHistogram) -> Iterator[dict[str, Any]]:
    total = sum(source.counts)
    shares = [n / total for n in source.counts]
    for edge, share in zip(source.edges, [*shares, shares[-1]], strict=True):
        yield {"source": name, "x": edge, "share": share}


def _limits(histogram: Histogram) -> list[Limit]:
    """Every different threshold once."""
    sources_of: dict[tuple[str, float], list[str]] = {}
    for name, source in histogram.sources.items():
        for side, value in (("min", source.min), ("max", source.max)):
            if value is not None:
                sources_of.setdefault((side, value), []).append(name)
    everyone = len(histogram.sources)
    return [
        Limit(
            value,
            f"{side} {setting(value)}" + (f" ({', '.join(names)})" if len(names) < everyone else ""),
            names[0] if len(names) == 1 < everyone else "",
        )
        for (side, value), names in sources_of.items()
    ]


def _seen(limit: Limit, log: bool, edges: Sequence[float]) -> Limit:
    """A threshold so far from every score that it would press them into a corner is named and not drawn."""
    low, high = min(edges), max(edges)
    if log or low - (high - low) / 2 <= limit.value <= high + (high - low) / 2:
        return limit
    return replace(limit, words=f"{limit.words} (not in view)", in_view=False)


def _scale(log: bool, where: Sequence[float]) -> dict[str, Any]:
    low, high = min(where), max(where)
    if not log or low == high:
        return {
            "scale": alt.Scale(zero=False, nice=False, padding=4),
            "axis": alt.Axis(tickCount=6, labelExpr=charts.LARGE),
        }
    axis = alt.Axis(values=charts.log_ticks(low, high), labelExpr=charts.LARGE, labelOverlap="greedy")
    kind = alt.Scale(type="log", nice=False) if low > 0 else alt.Scale(type="symlog", constant=_knee(where), nice=False)
    return {"scale": kind, "axis": axis}


def _knee(where: Sequence[float]) -> float:
    """Below this a symmetric logarithm runs straight through zero: the smallest size that occurs."""
    return min((abs(x) for x in where if x), default=1.0)
