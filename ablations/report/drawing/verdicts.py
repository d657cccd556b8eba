"""Claims and their verdicts; the figure shows every effect with the smallest one that could have been seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
from markupsafe import Markup

from ablations.claims.verdicts import Verdict
from ablations.report.contents import Instrument
from curation.dashboard import charts, palette
from curation.dashboard.numbers import NOTHING, listed, number, plural, setting

OUTCOMES = ("supported", "contradicted", "undecided")
MARKS = {"supported": "✓", "contradicted": "✗", "undecided": "?"}
_COLOURS = {"supported": "#00734F", "contradicted": "#B84A00", "undecided": "#5c5c5c"}
EXPLORATORY_SHOWN = 15


def clearest(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Exploratory findings, the clearest first."""
    return sorted((v for v in verdicts if not v.registered), key=_doubt)


def _doubt(verdict: Verdict) -> float:
    return next((p for p in (verdict.p_adjusted, verdict.p) if p is not None), 2.0)


def claim_text(verdict: Verdict) -> str:
    """Its sentence without the outcome, which the badge shows."""
    return verdict.sentence.partition(f": {verdict.outcome}")[0]


def facts(verdict: Verdict, title: Callable[[str], str]) -> list[str]:
    """The verdict on the claim, then its evidence; `title` gives the words of a measure."""
    every = (verdict.short, _effect(verdict, title), n_text(verdict), _p(verdict), _sight(verdict))
    return [fact for fact in every if fact]


def follow(verdict: Verdict) -> str:
    """A command that goes from one of its numbers to prompts and shards."""
    known = verdict.evidence and verdict.measures
    return f"loam ablate explain {verdict.evidence[0]} {verdict.measures[0]}" if known else ""


def _effect(verdict: Verdict, title: Callable[[str], str]) -> str:
    """'Effect on bits per byte, news (positive is better): 0.010 nats, 95 % interval −0.100 to 0.120.'"""
    if verdict.effect is None:
        return "No effect could be estimated."
    about = listed(title(measure) for measure in verdict.measures)
    if verdict.relation:
        return f"{_capital(effect_text(verdict))}{f', between {about}' if about else ''}."
    return f"Effect{f' on {about}' if about else ''} (positive is better): {effect_text(verdict)}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def n_text(verdict: Verdict) -> str:
    """'n = 6 seeds × 10 draws × 200 items.'"""
    inner = [plural(n, what) for what, n in (("draw", verdict.draws), ("item", verdict.items)) if n]
    return f"n = {' × '.join([plural(verdict.seeds, verdict.counts_over), *inner])}."


def _p(verdict: Verdict) -> str:
    if verdict.p is None:
        return ""
    exact = verdict.permutation_p
    beside = f", by exact permutation {number(exact)}" if exact is not None else ""
    if verdict.p_adjusted is None:
        return f"p = {number(verdict.p)}, not adjusted{beside}."
    how = "Holm" if verdict.registered else "Benjamini-Hochberg"
    return f"Adjusted p = {number(verdict.p_adjusted)} ({how}; alone {number(verdict.p)}{beside})."


def _sight(verdict: Verdict) -> str:
    smallest = verdict.smallest_effect
    return f"Smallest effect this design could have seen: {number(smallest)} {verdict.unit}." if smallest else ""


def tally(verdicts: Sequence[Verdict]) -> str:
    """'1 supported, 0 contradicted and 3 undecided of 4 registered claims; 2 exploratory findings beside them.'"""
    registered = [v for v in verdicts if v.registered]
    counts = listed(f"{sum(v.outcome == outcome for v in registered)} {outcome}" for outcome in OUTCOMES)
    beside = len(verdicts) - len(registered)
    more = f" {plural(beside, 'exploratory finding')} beside them." if beside else ""
    return f"{counts} of {plural(len(registered), 'registered claim')}.{more}"


def effect_text(verdict: Verdict) -> str:
    """'0.010 nats, 95 % interval −0.100 to 0.120'."""
    if verdict.effect is None:
        return NOTHING
    parts = number(verdict.effect), verdict.unit
    text = " ".join(reversed(parts) if verdict.relation else parts)
    if not verdict.interval:
        return f"{text}, no interval"
    low, high = verdict.interval
    return f"{text}, {100 * verdict.level:g} % interval {number(low)} to {number(high)}"


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
    """works, failed, or, without controls, unshown."""
    if instrument.works is False:
        return "failed"
    return "works" if instrument.works and instrument.controls else "unshown"


def effect_figures(verdicts: Sequence[Verdict]) -> list[Markup]:
    """Registered claims, one figure a unit; rows carry the numbers of the list."""
    registered = [v for v in verdicts if v.registered]
    units = list(dict.fromkeys(v.unit for v in registered if v.effect is not None))
    return [_effects(registered, unit, f"effects-{i}") for i, unit in enumerate(units)]


def _effects(verdicts: Sequence[Verdict], unit: str, name: str) -> Markup:
    rows = [_row(i, v) for i, v in enumerate(verdicts, 1) if v.unit == unit and v.effect is not None]
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
    low, high = verdict.interval or (None, None)
    blind = verdict.smallest_effect
    return {
        "claim": f"{place}  {verdict.claim}",
        "outcome": verdict.outcome,
        "effect": verdict.effect,
        "low": low,
        "high": high,
        "blind": None if blind is None else -abs(blind),
        "blind_to": None if blind is None else abs(blind),
    }
