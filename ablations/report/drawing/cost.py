"""What the study cost, beside what was predicted, and where the time went."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt
from markupsafe import Markup

from ablations.report.costs import Cost
from curation.dashboard import charts, palette
from curation.dashboard.numbers import NOTHING, duration, plural, size

SHOWN = 20  # stages with a bar of their own
REUSED = "reused"


def cost_lines(cost: Cost) -> list[tuple[str, str, str, str]]:
    """Time, memory and disk: what, predicted, actual, and how many times as much."""
    known, actual = cost.predicted, cost.actual
    return [
        _line("time by the clock", known.seconds if known else None, actual.seconds if actual else None, duration),
        _line("peak memory", known.memory_bytes if known else None, actual.peak_memory_bytes if actual else None, size),
        _line("disk", known.disk_bytes if known else None, actual.disk_bytes if actual else None, size),
    ]


def _line(
    what: str, predicted: float | None, actual: float | None, text: Callable[[float | None], str]
) -> tuple[str, str, str, str]:
    times = f"{actual / predicted:.2f}" if predicted and actual is not None else NOTHING
    return what, text(predicted), text(actual), times


def time_headline(cost: Cost) -> str:
    """Names what took most work."""
    work = _work(cost)
    if not work:
        return "No stage took any time that was recorded."
    (most, _), seconds = max(work.items(), key=lambda item: item[1])
    reused = sum(bool(stage.reused) for stage in cost.stages)
    ending = f"; {reused} of {plural(len(cost.stages), 'stage')} reused from an earlier run." if reused else "."
    return f"Most work: {most}, {duration(seconds)} of {duration(sum(work.values()))}{ending}"


def work_figure(cost: Cost) -> Markup | None:
    """A bar for each stage and one for all cells, the longest first; short ones together when there are many."""
    rows = _rows(_work(cost))
    if not rows:
        return None
    order = [row["stage"] for row in rows]
    kinds = {"run now": palette.Style(palette.BLUE), REUSED: palette.Style(palette.GREY)}
    base = alt.Chart(charts.data(rows)).encode(
        alt.X("seconds:Q", title="seconds of work, jobs added up", axis=alt.Axis(tickCount=8)),
        alt.Y("stage:N", title=None, sort=order),
    )
    bars = base.mark_bar().encode(charts.colour(kinds, "kind"))
    text = base.mark_text(align="left", dx=4, fontSize=11, color="#444").encode(alt.Text("label:N"))
    chart = (bars + text).properties(width=760, height=alt.Step(18))
    return charts.svg(chart, "work", "Seconds of work, one bar a stage")


def _work(cost: Cost) -> dict[tuple[str, str], float]:
    """(Stage, reused or not) -> seconds of work; stages run side by side, so times by the clock do not add up."""
    seconds: dict[tuple[str, str], float] = {}
    for stage in cost.stages:
        spent = stage.work_seconds if stage.work_seconds is not None else stage.wall_seconds
        key = (f"{stage.stage} ({REUSED})", REUSED) if stage.reused else (stage.stage, "run now")
        seconds[key] = seconds.get(key, 0.0) + (spent or 0)
    if cells := [cell.seconds for cell in cost.cells if cell.seconds is not None]:
        seconds[f"{plural(len(cells), 'cell')}, trained and measured", "run now"] = sum(cells)
    return {key: spent for key, spent in seconds.items() if spent}


def _rows(work: dict[tuple[str, str], float]) -> list[dict[str, Any]]:
    order = sorted(work, key=lambda key: -work[key])
    rows = [_bar(name, kind, work[name, kind]) for name, kind in order[:SHOWN]]
    rest = [work[key] for key in order[SHOWN:]]
    return [*rows, _bar(f"{plural(len(rest), 'shorter stage')} together", "run now", sum(rest))] if rest else rows


def _bar(stage: str, kind: str, seconds: float) -> dict[str, Any]:
    return {"stage": stage, "kind": kind, "seconds": seconds, "label": duration(seconds)}
