"""Figures of points: every seed of an arm in one measure, and every arm in two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import altair as alt
from markupsafe import Markup

from ablations.claims.verdicts import Verdict
from ablations.report.values import CONTEXT, MATCHING, Values
from ablations.statistics.onset_prediction import OnsetPrediction, onset_correlation
from ablations.statistics.rank_correlation import RankCorrelation, spearman
from curation.dashboard import charts, palette
from curation.dashboard.numbers import number, plural

SEEDS_WIDTH, ROW = 250, 17
MEASURES = 12  # drawn with every seed
ARMS = 30  # rows of a panel
WIDTH, HEIGHT = 300, 220
PAIRS = 9
LEAST = 3  # arms, fewer make no picture


@dataclass(frozen=True)
class SeedsView:
    """`undrawn`: measures in the table alone; `note`: arms that were left out."""

    arms: list[Markup]
    controls: list[Markup]
    undrawn: list[str]
    note: str


def seeds_view(values: Values) -> SeedsView:
    """One panel a primary measure. Controls apart: what they do would press the arms' points together."""
    primary = values.primary()
    more = len(values.real) - ARMS
    return SeedsView(
        _seeds(values, primary[:MEASURES], values.real[:ARMS], "arms", palette.BLUE),
        _seeds(values, primary[:MEASURES], values.controls[:ARMS], "controls", palette.GREY),
        [values.title(measure) for measure in primary[MEASURES:]],
        f"{plural(more, 'arm')} not drawn for want of room: see the table below." if more > 0 else "",
    )


def _seeds(values: Values, measures: Sequence[str], arms: list[str], kind: str, colour: str) -> list[Markup]:
    found = {
        m: [{"arm": arm, "seed": s, "value": value} for arm in arms for s, value in values.of(arm, m).items()]
        for m in measures
    }
    return [
        _seeds_panel(values, measure, rows, arms, f"seeds-{kind}-{place}", colour)
        for place, (measure, rows) in enumerate(found.items())
        if rows
    ]


def _seeds_panel(
    values: Values, measure: str, rows: list[dict[str, Any]], arms: list[str], name: str, colour: str
) -> Markup:
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
    better = values.better(measure)
    title = charts.heading(values.title(measure), f"{better} is better" if better else "", chars=40)
    chart = alt.layer(*layers, title=title).properties(width=SEEDS_WIDTH, height=alt.Step(ROW))
    return charts.svg(chart, name, f"{values.title(measure)} by arm, every seed a point")


@dataclass(frozen=True)
class Side:
    """One axis: arm -> mean over seeds."""

    title: str
    unit: str
    arms: Mapping[str, float]


@dataclass(frozen=True)
class PairsView:
    registered: list[Markup]
    others: list[Markup]
    undrawn: list[str]


def pairs_view(values: Values, verdicts: Sequence[Verdict], predictions: Sequence[OnsetPrediction]) -> PairsView:
    """Pairs of registered claims first, then the ones that every study shows. Real arms only."""
    claimed = [v.measures for v in verdicts if v.relation and v.registered]
    asked = [(_side(values, m[0]), _side(values, m[1])) for m in claimed if len(m) == 2]
    usual = [pair for pair in _usual(values) if pair not in asked]
    shown = [pair for pair in asked if _shared(*pair)], [pair for pair in usual if _shared(*pair)]
    registered = [_panel(x, y, f"pairs-asked-{i}") for i, (x, y) in enumerate(shown[0])]
    others = [_panel(x, y, f"pairs-usual-{i}") for i, (x, y) in enumerate(shown[1][:PAIRS])]
    onsets = enumerate(_onset_pairs(values, predictions))
    others += [_panel(x, y, f"pairs-onset-{i}", related) for i, (x, y, related) in onsets]
    return PairsView(registered, others, [f"{x.title} against {y.title}" for x, y in shown[1][PAIRS:]])


def _usual(values: Values) -> Iterator[tuple[Side, Side]]:
    for heads, context in zip(values.find(*MATCHING), values.whole(CONTEXT), strict=False):
        yield _side(values, heads), _side(values, context)
    for bits in values.bits():
        for gain in values.gains().values():
            yield _side(values, bits), _side(values, gain.measure)


def _side(values: Values, measure: str) -> Side:
    means = {arm: value for arm in values.real if (value := values.mean(arm, measure)) is not None}
    return Side(values.title(measure), values.unit(measure), means)


def _shared(x: Side, y: Side) -> list[str]:
    """Arms that have both; none when they are too few for a picture."""
    both = [arm for arm in x.arms if arm in y.arms]
    return both if len(both) >= LEAST else []


def _onset_pairs(values: Values, predictions: Sequence[OnsetPrediction]) -> Iterator[tuple[Side, Side, str]]:
    """Predicted against seen onset, controls too. A censored onset has no point, but its rank enters the correlation."""
    for measure in dict.fromkeys(row.measure for row in predictions):
        rows = [row for row in predictions if row.measure == measure]
        seen = [row for row in rows if row.predicted is not None and row.observed_at is not None]
        x = Side("predicted onset", "tokens", _middle((row.arm, row.predicted) for row in seen))
        y = Side(f"observed onset, {values.title(measure)}", "tokens", _middle((r.arm, r.observed_at) for r in seen))
        if _shared(x, y):
            yield x, y, _in_words(onset_correlation(rows))


def _middle(onsets: Iterable[tuple[str, float | None]]) -> dict[str, float]:
    """Arm -> median of its seeds."""
    by_arm: dict[str, list[float]] = {}
    for arm, tokens in onsets:
        by_arm.setdefault(arm, []).append(tokens or 0.0)
    return {arm: median(values) for arm, values in by_arm.items()}


def _in_words(correlation: RankCorrelation) -> str:
    """'rank correlation −0.500, 95 % interval −0.900 to 0.300, n = 8 arms'."""
    n = f"n = {plural(correlation.n, 'arm')}"
    if correlation.rho is None:
        return f"no rank correlation: too few arms or no spread, {n}"
    interval = (
        f", 95 % interval {number(correlation.interval[0])} to {number(correlation.interval[1])}"
        if correlation.interval
        else ""
    )
    return f"rank correlation {number(correlation.rho)}{interval}, {n}"


def _panel(x: Side, y: Side, name: str, related: str = "") -> Markup:
    both = _shared(x, y)
    rows: list[dict[str, Any]] = [{"arm": arm, "x": x.arms[arm], "y": y.arms[arm]} for arm in both]
    right = charts.extent([row["x"] for row in rows], 0.12)
    base = alt.Chart(charts.data(rows)).encode(
        alt.X("x:Q", title=charts.axis(x.title, x.unit), scale=alt.Scale(domain=right, nice=False), axis=_ticks(x)),
        alt.Y("y:Q", title=y.unit, scale=alt.Scale(domain=charts.extent([r["y"] for r in rows], 0.1)), axis=_ticks(y)),
    )
    middle = sum(right) / 2  # names point inwards, so that none is cut off
    names = base.encode(alt.Text("arm:N"))
    text = {"fontSize": 10, "color": "#444"}
    layers = [
        base.mark_point(filled=True, size=45, opacity=0.9, color=palette.BLUE),
        names.mark_text(align="left", dx=6, **text).transform_filter(f"datum.x < {middle!r}"),
        names.mark_text(align="right", dx=-6, **text).transform_filter(f"datum.x >= {middle!r}"),
    ]
    related = related or _in_words(spearman([x.arms[arm] for arm in both], [y.arms[arm] for arm in both]))
    title = charts.heading(f"{y.title} against {x.title}", related, chars=46)
    chart = alt.layer(*layers, title=title).properties(width=WIDTH, height=HEIGHT)
    return charts.svg(chart, name, f"{y.title} against {x.title}, one point an arm: {related}")


def _ticks(side: Side) -> Any:
    return alt.Axis(tickCount=4, labelExpr=charts.LARGE) if side.unit == "tokens" else alt.Axis(tickCount=5)
