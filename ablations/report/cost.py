"""What the study cost, beside what was predicted, and where the time went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from markupsafe import Markup

from ablations.report.contract import Cost, StageTime
from curation.dashboard import charts, palette
from curation.dashboard.numbers import NOTHING, duration, plural, size

SHOWN = 24  # stages with a bar of their own


@dataclass(frozen=True)
class CostLine:
    what: str
    predicted: str
    actual: str
    times: str


def cost_lines(cost: Cost) -> list[CostLine]:
    """Time, memory and disk: predicted beside actual."""
    known = cost["predicted"] or {"seconds": None, "memory_bytes": None, "disk_bytes": None}
    actual = cost["actual"] or {"seconds": None, "peak_memory_bytes": None, "disk_bytes": None}
    return [
        _line("time by the clock", known["seconds"], actual["seconds"], duration),
        _line("peak memory", known["memory_bytes"], actual["peak_memory_bytes"], size),
        _line("disk", known["disk_bytes"], actual["disk_bytes"], size),
    ]


def _line(what: str, predicted: float | None, actual: float | None, text: Any) -> CostLine:
    times = f"{actual / predicted:.2f}" if predicted and actual is not None else NOTHING
    return CostLine(what, text(predicted), text(actual), times)


def time_headline(stages: Sequence[StageTime]) -> str:
    """Names the stage that took longest."""
    timed = [s for s in stages if s["wall_seconds"]]
    if not timed:
        return "No stage took any time that was recorded."
    longest = max(timed, key=lambda s: s["wall_seconds"] or 0)
    total = sum(s["wall_seconds"] or 0 for s in timed)
    reused = sum(bool(s["reused"]) for s in stages)
    ending = f"; {plural(reused, 'stage')} of {len(stages)} reused from an earlier run." if reused else "."
    return (
        f"Longest: {longest['stage']}, {duration(longest['wall_seconds'])} of {duration(total)} in all stages{ending}"
    )


def stage_figure(stages: Sequence[StageTime]) -> Markup | None:
    """A bar for each stage, in the order of the run; short ones together when there are many."""
    rows = _rows(stages)
    if not rows:
        return None
    order = [row["stage"] for row in rows]
    kinds = {"run now": palette.Style(palette.BLUE), "reused": palette.Style(palette.GREY)}
    base = alt.Chart(charts.data(rows)).encode(
        alt.X("seconds:Q", title="seconds by the clock"), alt.Y("stage:N", title=None, sort=order)
    )
    bars = base.mark_bar().encode(charts.colour(kinds, "kind"))
    text = base.mark_text(align="left", dx=4, fontSize=11, color="#444").encode(alt.Text("label:N"))
    return charts.svg(
        (bars + text).properties(width=760, height=alt.Step(18)), "stages", "Seconds by the clock, one bar a stage"
    )


def _rows(stages: Sequence[StageTime]) -> list[dict[str, Any]]:
    seconds: dict[tuple[str, str], float] = {}
    for stage in stages:
        if stage["wall_seconds"] is not None:
            key = (stage["stage"], "reused" if stage["reused"] else "run now")
            seconds[key] = seconds.get(key, 0.0) + stage["wall_seconds"]
    long = set(sorted(seconds, key=lambda key: -seconds[key])[:SHOWN])
    rows = [
        _bar(f"{name}{' (reused)' * (kind == 'reused')}", kind, seconds[name, kind])
        for name, kind in seconds
        if (name, kind) in long
    ]
    rest = [value for key, value in seconds.items() if key not in long]
    return [*rows, _bar(f"{plural(len(rest), 'shorter stage')} together", "run now", sum(rest))] if rest else rows


def _bar(stage: str, kind: str, seconds: float) -> dict[str, Any]:
    return {"stage": stage, "kind": kind, "seconds": seconds, "label": duration(seconds)}
