"""Claims and what became of them; the figure shows every effect beside the smallest one that could have been seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
from markupsafe import Markup

from ablations.report.contract import Instrument, Verdict
from curation.dashboard import charts, palette
from curation.dashboard.numbers import NOTHING, listed, number, plural, setting

OUTCOMES = ("supported", "contradicted", "undecided")
_MARKS = {"supported": "✓", "contradicted": "✗", "undecided": "?"}
_COLOURS = {"supported": "#00734F", "contradicted": "#B84A00", "undecided": "#5c5c5c"}


def tally(verdicts: Sequence[Verdict]) -> str:
    """'1 supported, 0 contradicted and 3 undecided of 4 registered claims; 2 exploratory findings beside them.'"""
    registered = [v for v in verdicts if v["registered"]]
    counts = listed(f"{sum(v['outcome'] == outcome for v in registered)} {outcome}" for outcome in OUTCOMES)
    beside = len(verdicts) - len(registered)
    more = f" {plural(beside, 'exploratory finding')} beside them." if beside else ""
    return f"{counts} of {plural(len(registered), 'registered claim')}.{more}"


def effect_text(verdict: Verdict) -> str:
    """'0.010 nats, 95 % interval −0.100 to 0.120'."""
    if verdict["effect"] is None:
        return NOTHING
    text = f"{number(verdict['effect'])} {verdict['unit']}"
    if not verdict["interval"]:
        return f"{text}, no interval"
    low, high = verdict["interval"]
    level = f"{100 * verdict['level']:g} % " if verdict["level"] is not None else ""
    return f"{text}, {level}interval {number(low)} to {number(high)}"


def mark(outcome: str) -> str:
    return _MARKS.get(outcome, "")


def limits_text(low: float | None, high: float | None, unit: str) -> str:
    """What a control's values must satisfy, in words."""
    if low is None and high is None:
        return "no limit"
    if high is None:
        return f"at least {setting(low)} {unit}"
    if low is None:
        return f"at most {setting(high)} {unit}"
    return f"between {setting(low)} and {setting(high)} {unit}"


def outside(value: float | None, low: float | None, high: float | None) -> bool:
    """A value that was not measured is outside: it shows nothing."""
    return value is None or (low is not None and value < low) or (high is not None and value > high)


def instrument_state(instrument: Instrument) -> str:
    """works, failed, or unshown: without controls nobody can say."""
    if instrument["works"] is False:
        return "failed"
    return "works" if instrument["works"] and instrument["controls"] else "unshown"


def effect_figures(verdicts: Sequence[Verdict]) -> list[Markup]:
    """One figure a unit; rows carry the numbers of the table."""
    units = list(dict.fromkeys(v["unit"] for v in verdicts if v["effect"] is not None))
    return [_effects(verdicts, unit, f"effects-{i}") for i, unit in enumerate(units)]


def _effects(verdicts: Sequence[Verdict], unit: str, name: str) -> Markup:
    rows = [_row(i, v) for i, v in enumerate(verdicts, 1) if v["unit"] == unit and v["effect"] is not None]
    y = alt.Y("claim:N", title=None, sort=[row["claim"] for row in rows])
    domain = charts.extent([0.0, *(row[key] for row in rows for key in ("effect", "low", "high", "blind", "blind_to"))])
    scale = alt.Scale(domain=domain, nice=False)
    outcomes = {o: palette.Style(c) for o, c in _COLOURS.items()}
    band = [row for row in rows if row["blind_to"] is not None]
    layers = [
        alt.Chart(charts.data(band))
        .mark_bar(color="#e3e3e3", height=18)
        .encode(_x("blind", unit, scale), alt.X2("blind_to"), y),
        alt.Chart(charts.data([{"zero": 0}])).mark_rule(color="#888").encode(_x("zero", unit, scale)),
        alt.Chart(charts.data([row for row in rows if row["low"] is not None]))
        .mark_rule(strokeWidth=2.5)
        .encode(_x("low", unit, scale), alt.X2("high"), y, charts.colour(outcomes, "outcome")),
        alt.Chart(charts.data(rows))
        .mark_point(filled=True, size=70, opacity=1)
        .encode(_x("effect", unit, scale), y, charts.colour(outcomes, "outcome")),
    ]
    chart = alt.layer(*layers).properties(width=760, height=alt.Step(26))
    return charts.svg(chart, name, f"Effects in {unit} with their intervals, one row a claim")


def _x(field: str, unit: str, scale: alt.Scale) -> Any:
    return alt.X(f"{field}:Q", title=f"effect, {unit}", scale=scale, axis=alt.Axis(tickCount=8))


def _row(place: int, verdict: Verdict) -> dict[str, Any]:
    low, high = verdict["interval"] or (None, None)
    blind = verdict["smallest_effect"]
    return {
        "claim": f"{place}  {verdict['claim']}",
        "outcome": verdict["outcome"],
        "effect": verdict["effect"],
        "low": low,
        "high": high,
        "blind": None if blind is None else -abs(blind),
        "blind_to": None if blind is None else abs(blind),
    }
