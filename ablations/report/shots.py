"""k-shot curves: gold demos against the same demos with permuted labels, one panel an arm, every seed a point."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
from markupsafe import Markup

from ablations.report.contract import Shots
from curation.dashboard import charts
from curation.dashboard.numbers import listed, mean, number
from curation.dashboard.palette import BLUE, VERMILLION, Style, styles

COLUMNS = 4
WIDTH, HEIGHT = 240, 170
GOLD, PERMUTED = "gold", "permuted"
Value = Literal["nll", "accuracy"]
_AXES: dict[Value, str] = {"nll": "NLL of the gold answer, nats", "accuracy": "accuracy"}


@dataclass(frozen=True)
class ShotRow:
    """One number of demos in one arm: condition -> seed -> nats, and what permuting costs."""

    arm: str
    k: int
    conditions: dict[str, dict[str, float | None]]
    difference: float | None


@dataclass(frozen=True)
class TaskView:
    task: str
    headline: str
    figures: list[Markup]
    accuracy: list[Markup]
    conditions: dict[str, Style]
    rows: list[ShotRow]


def task_views(shots: Sequence[Shots], controls: Set[str]) -> list[TaskView]:
    """One view a task that was asked. Panels of real arms share their axes, and so do panels of controls."""
    tasks = dict.fromkeys(s["task"] for s in shots if s["points"])
    return [_view(task, [s for s in shots if s["task"] == task], controls, i) for i, task in enumerate(tasks)]


def _view(task: str, shots: list[Shots], controls: Set[str], place: int) -> TaskView:
    found = dict.fromkeys(point["condition"] for s in shots for point in s["points"])
    others = styles([BLUE, VERMILLION, *(c for c in found if c not in (GOLD, PERMUTED))])  # the first two are taken
    fixed = {GOLD: Style(BLUE), PERMUTED: Style(VERMILLION, (6, 3))}
    conditions = {c: fixed.get(c) or others[c] for c in found}
    rows = _rows(shots, list(conditions))
    return TaskView(
        task,
        _headline(rows),
        _figures(shots, "nll", conditions, controls, f"shots-{place}"),
        _figures(shots, "accuracy", conditions, controls, f"accuracy-{place}"),
        conditions,
        rows,
    )


def _rows(shots: list[Shots], conditions: list[str]) -> list[ShotRow]:
    rows = []
    for arm in dict.fromkeys(s["arm"] for s in shots):
        of_arm = [s for s in shots if s["arm"] == arm]
        for k in sorted({p["k"] for s in of_arm for p in s["points"]}):
            found = {
                c: {str(s["seed"]): p["nll"] for s in of_arm for p in s["points"] if (p["k"], p["condition"]) == (k, c)}
                for c in conditions
            }
            gold, permuted = mean(found.get(GOLD, {}).values()), mean(found.get(PERMUTED, {}).values())
            difference = permuted - gold if gold is not None and permuted is not None else None
            rows.append(ShotRow(arm, k, found, difference))
    return rows


def _headline(rows: list[ShotRow]) -> str:
    """What permuting costs at the largest k of each arm."""
    last = {row.arm: row for row in rows if row.difference is not None}
    if not last:
        return "Gold and permuted demos were not both asked."
    most = max(row.k for row in last.values())
    at_most = [row for row in last.values() if row.k == most]
    each = listed(f"{number(round(row.difference or 0, 3))} nats in {row.arm}" for row in at_most)
    return f"At k = {most}, permuting the labels of the demos costs {each}."


def _figures(
    shots: list[Shots], value: Value, conditions: dict[str, Style], controls: Set[str], name: str
) -> list[Markup]:
    """Real arms, then controls: what a control does would press the arms' curves flat."""
    said = f"{_AXES[value]} by number of demos, gold and permuted"
    figures = []
    for kind in (False, True):
        rows = [row for s in shots if (s["arm"] in controls) == kind for row in _values(s, value)]
        domain = [0.0, 1.0] if value == "accuracy" else charts.extent([row["value"] for row in rows])
        panels = [
            _panel(arm, [row for row in rows if row["arm"] == arm], value, domain, conditions)
            for arm in dict.fromkeys(row["arm"] for row in rows)
        ]
        figures += charts.side_by_side(panels, COLUMNS, f"{name}-{'controls' if kind else 'arms'}", said)
    return figures


def _values(shots: Shots, value: Value) -> list[dict[str, Any]]:
    return [
        {"arm": shots["arm"], "k": point["k"], "condition": point["condition"], "value": point[value]}
        for point in shots["points"]
        if point[value] is not None
    ]


def _panel(
    arm: str, rows: list[dict[str, Any]], value: Value, domain: list[float], conditions: dict[str, Style]
) -> Any:
    y = alt.Scale(domain=domain, nice=False)
    base = alt.Chart(charts.data(rows)).encode(
        alt.X("k:O", title="k, demos in the prompt", axis=alt.Axis(labelAngle=0, grid=False)),
        charts.colour(conditions, "condition"),
    )
    layers = [
        base.mark_line(strokeWidth=1.8).encode(
            alt.Y("mean(value):Q", title=_AXES[value], scale=y, axis=alt.Axis(tickCount=5)),
            charts.dash(conditions, "condition"),
        ),
        base.mark_point(filled=True, size=32, opacity=0.85).encode(alt.Y("value:Q", scale=y)),
    ]
    return alt.layer(*layers, title=charts.heading(arm)).properties(width=WIDTH, height=HEIGHT)
