"""Measure by arm: every seed a point, their mean a bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from markupsafe import Markup

from ablations.core.results.readings import Better
from ablations.report.contents.values import Values
from curation.dashboard import charts, palette
from curation.dashboard.numbers import plural

WIDTH, ROW = 250, 17
PANELS = 12  # measures drawn
ARMS = 30  # rows of a panel


@dataclass(frozen=True)
class SeedsView:
    """`undrawn`: measures that stand in the table alone; `note`: arms that were left out."""

    arms: list[Markup]
    controls: list[Markup]
    undrawn: list[str]
    note: str


def seeds_view(values: Values) -> SeedsView:
    """One panel a primary measure. Controls apart: what they do would press the arms' points together."""
    primary = values.primary()
    drawn = primary[:PANELS]
    more = len(values.real) - ARMS
    return SeedsView(
        _panels(values, drawn, values.real[:ARMS], "arms", palette.BLUE),
        _panels(values, drawn, values.controls[:ARMS], "controls", palette.GREY),
        [values.title(measure) for measure in primary[PANELS:]],
        f"{plural(more, 'arm')} not drawn for want of room: see the table below." if more > 0 else "",
    )


def _panels(values: Values, measures: Sequence[str], arms: list[str], kind: str, colour: str) -> list[Markup]:
    found = [(measure, _rows(values, measure, arms)) for measure in measures]
    return [
        _panel(values, measure, rows, arms, f"seeds-{kind}-{place}", colour)
        for place, (measure, rows) in enumerate(found)
        if rows
    ]


def _rows(values: Values, measure: str, arms: list[str]) -> list[dict[str, Any]]:
    return [
        {"arm": arm, "seed": seed, "value": value} for arm in arms for seed, value in values.of(measure, arm).items()
    ]


def _panel(values: Values, measure: str, rows: list[dict[str, Any]], arms: list[str], name: str, colour: str) -> Markup:
    having = {row["arm"] for row in rows}
    scale = alt.Scale(domain=charts.extent([row["value"] for row in rows]), nice=False)
    axis = alt.Axis(tickCount=5)
    base = alt.Chart(charts.data(rows)).encode(
        alt.Y("arm:N", title=None, sort=[arm for arm in arms if arm in having], axis=alt.Axis(labelLimit=150))
    )
    bars = base.mark_tick(thickness=3, color="#222", height=ROW - 3)
    points = base.mark_point(filled=True, size=30, opacity=0.75, color=colour)
    layers = [
        bars.encode(alt.X("mean(value):Q", title=values.unit(measure), scale=scale, axis=axis)),
        points.encode(alt.X("value:Q", scale=scale)),
    ]
    if scale.domain[0] < 0 < scale.domain[1]:
        zero = alt.Chart(charts.data([{"zero": 0}])).mark_rule(color="#888", strokeDash=[3, 3])
        layers.insert(0, zero.encode(alt.X("zero:Q", title=values.unit(measure), scale=scale, axis=axis)))
    title = charts.heading(values.title(measure), _better(values.better(measure)), chars=40)
    chart = alt.layer(*layers, title=title).properties(width=WIDTH, height=alt.Step(ROW))
    return charts.svg(chart, name, f"{values.title(measure)} by arm, every seed a point")


def _better(better: Better) -> str:
    return f"{better} is better" if better else ""
