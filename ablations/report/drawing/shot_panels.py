"""Panels of k-shot curves: one an arm and reading, and one a task with all arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import altair as alt
from markupsafe import Markup

from ablations.report.contents import Shots
from ablations.report.gathering import ACCURACY
from curation.dashboard import charts
from curation.dashboard.numbers import mean
from curation.dashboard.palette import Style

COLUMNS, WIDTH, HEIGHT = 4, 240, 170
WIDE, WIDE_COLUMNS = 345, 3
OVERVIEWS = 18  # tasks in the overview
GOLD, PERMUTED = "gold", "permuted"


def panels(
    shots: Sequence[Shots],
    reading: str,
    axis: str,
    conditions: Mapping[str, Style],
    controls: Set[str],
    name: str,
) -> list[Markup]:
    """Real arms share their axes, then controls: what a control does would press the arms' curves flat."""
    figures = []
    for kind in (False, True):
        of_kind = [s for s in shots if (s.arm in controls) == kind]
        rows = [row for s in of_kind for row in _values(s, reading)]
        if not rows:
            continue
        guesses = {arm: _guesses(of_kind, arm, reading) for arm in dict.fromkeys(row["arm"] for row in rows)}
        guessed = [guess["value"] for arm in {s.arm for s in of_kind} for guess in _guesses(of_kind, arm, reading)]
        domain = [0.0, 1.0] if reading == ACCURACY else charts.extent([*guessed, *(row["value"] for row in rows)])
        figure = [
            _panel(arm, [row for row in rows if row["arm"] == arm], axis, domain, conditions, guesses[arm])
            for arm in guesses
        ]
        about = f"{axis} by number of demos, gold and permuted"
        figures += charts.side_by_side(figure, COLUMNS, f"{name}-{'controls' if kind else 'arms'}", about)
    return figures


def _values(shots: Shots, reading: str) -> list[dict[str, Any]]:
    return [
        {"arm": shots.arm, "k": point.k, "condition": point.condition, "value": value}
        for point in shots.points
        if (value := point.value(reading)) is not None
    ]


def _guesses(shots: Sequence[Shots], arm: str, reading: str) -> list[dict[str, float]]:
    """What the strongest blind guess gets at each k, mean over seeds."""
    found: dict[int, list[float]] = {}
    for point in (p for s in shots if s.arm == arm for p in s.points if p.condition == GOLD):
        if (blind := point.blind.get(reading)) is not None:
            found.setdefault(point.k, []).append(blind)
    return [{"k": k, "value": mean(values) or 0.0} for k, values in sorted(found.items())]


def _k(ks: Sequence[int]) -> Any:
    """Nearly logarithmic, with room for zero: 0, 1, 2, 4, ... 70 are about evenly spaced."""
    scale = alt.Scale(type="symlog", constant=1, nice=False)
    axis = alt.Axis(values=sorted(set(ks)), labelAngle=0, grid=False, format="d", labelOverlap="greedy")
    return alt.X("k:Q", title="k, demos in the prompt", scale=scale, axis=axis)


def _panel(
    arm: str,
    rows: list[dict[str, Any]],
    axis: str,
    domain: list[float],
    conditions: Mapping[str, Style],
    guesses: list[dict[str, float]],
) -> Any:
    y = alt.Scale(domain=domain, nice=False)
    base = alt.Chart(charts.data(rows)).encode(_k([row["k"] for row in rows]), charts.colour(conditions, "condition"))
    level = alt.Y("mean(value):Q", title=axis, scale=y, axis=alt.Axis(tickCount=5))
    layers = [
        base.mark_line(strokeWidth=1.8).encode(level, charts.dash(conditions, "condition")),
        base.mark_point(filled=True, size=26, opacity=0.8).encode(alt.Y("value:Q", scale=y)),
    ]
    if guesses:
        blind = alt.Chart(charts.data(guesses)).mark_line(color="#555", strokeDash=[2, 3], strokeWidth=1.5)
        layers.append(blind.encode(alt.X("k:Q"), alt.Y("value:Q", scale=y)))
    return alt.layer(*layers, title=charts.heading(arm)).properties(width=WIDTH, height=HEIGHT)


def overview(shots: Sequence[Shots], arms: Mapping[str, Style]) -> list[Markup]:
    """Permuted minus gold by k, one panel a task, one line an arm: its mean over seeds."""
    tasks = list(dict.fromkeys(s.task for s in shots))[:OVERVIEWS]
    found = [(task, _costs_of_arms([s for s in shots if s.task == task], arms)) for task in tasks]
    drawn = [_costs_panel(task, rows, arms) for task, rows in found if rows]
    return charts.side_by_side(drawn, WIDE_COLUMNS, "shots-overview", "What permuted labels cost by k, one line an arm")


def _costs_of_arms(shots: Sequence[Shots], arms: Mapping[str, Style]) -> list[dict[str, Any]]:
    return [row for arm in arms for row in _costs([s for s in shots if s.arm == arm])]


def _costs(shots: Sequence[Shots]) -> list[dict[str, Any]]:
    found: dict[int, list[float]] = {}
    for s in shots:
        nll = {(p.k, p.condition): p.nll for p in s.points}
        for k, condition in nll:
            gold, permuted = nll.get((k, GOLD)), nll.get((k, PERMUTED))
            if condition == GOLD and gold is not None and permuted is not None:
                found.setdefault(k, []).append(permuted - gold)
    return [{"arm": shots[0].arm, "k": k, "value": mean(costs)} for k, costs in sorted(found.items())]


def _costs_panel(task: str, rows: list[dict[str, Any]], arms: Mapping[str, Style]) -> Any:
    y = alt.Scale(domain=charts.extent([0.0, *(row["value"] for row in rows)]), nice=False)
    lines = (
        alt.Chart(charts.data(rows))
        .mark_line(strokeWidth=1.6, point=alt.OverlayMarkDef(size=18))
        .encode(
            _k([row["k"] for row in rows]),
            alt.Y("value:Q", title="permuted minus gold, nats", scale=y, axis=alt.Axis(tickCount=5)),
            charts.colour(arms, "arm"),
            charts.dash(arms, "arm"),
        )
    )
    zero = alt.Chart(charts.data([{"zero": 0}])).mark_rule(color="#888").encode(alt.Y("zero:Q", scale=y))
    return alt.layer(zero, lines, title=charts.heading(task)).properties(width=WIDE, height=HEIGHT)
