"""Measure against measure: each arm a point, with the rank correlation over arms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

import altair as alt
from markupsafe import Markup

from ablations.report.contents.contract import Verdict
from ablations.report.contents.mechanisms import OnsetPrediction
from ablations.report.contents.values import CONTEXT, MATCHING, Values
from ablations.report.contents.wording import axis
from ablations.statistics.onset_prediction import onset_correlation
from ablations.statistics.rank_correlation import RankCorrelation, spearman
from curation.dashboard import charts, palette
from curation.dashboard.numbers import number, plural

WIDTH, HEIGHT = 300, 220
PANELS = 9
LEAST = 3  # arms, fewer make no picture


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
    """Pairs of registered claims first, then the ones that every study is asked about. Real arms alone."""
    claimed = [v.get("measures") or [] for v in verdicts if v["relation"] and v["registered"]]
    asked = [(_side(values, m[0]), _side(values, m[1])) for m in claimed if len(m) == 2]
    usual = [pair for pair in _usual(values) if pair not in asked]
    shown = [pair for pair in asked if _shared(*pair)], [pair for pair in usual if _shared(*pair)]
    registered = [_panel(x, y, f"pairs-asked-{i}") for i, (x, y) in enumerate(shown[0])]
    others = [_panel(x, y, f"pairs-usual-{i}") for i, (x, y) in enumerate(shown[1][:PANELS])]
    others += [
        _panel(x, y, f"pairs-onset-{i}", said) for i, (x, y, said) in enumerate(onset_pairs(values, predictions))
    ]
    return PairsView(registered, others, [f"{x.title} against {y.title}" for x, y in shown[1][PANELS:]])


def _usual(values: Values) -> Iterator[tuple[Side, Side]]:
    for heads, context in zip(values.find(*MATCHING), values.whole(CONTEXT), strict=False):
        yield _side(values, heads), _side(values, context)
    for bits in values.bits():
        for gap in values.gaps().values():
            yield _side(values, bits), _side(values, gap["measure"])


def _side(values: Values, measure: str) -> Side:
    means = {arm: value for arm in values.real if (value := values.mean(measure, arm)) is not None}
    return Side(values.title(measure), values.unit(measure), means)


def _shared(x: Side, y: Side) -> list[str]:
    """Arms that have both; none when they are too few for a picture."""
    both = [arm for arm in x.arms if arm in y.arms]
    return both if len(both) >= LEAST else []


def onset_pairs(values: Values, predictions: Sequence[OnsetPrediction]) -> Iterator[tuple[Side, Side, str]]:
    """Predicted against seen onset, controls too. A censored onset has no point, but its rank enters the correlation."""
    for measure in dict.fromkeys(row["measure"] for row in predictions):
        rows = [row for row in predictions if row["measure"] == measure]
        seen = [row for row in rows if row["predicted"] is not None and row["observed_at"] is not None]
        x = Side("predicted onset", "tokens", _middle(seen, "predicted"))
        y = Side(f"observed onset, {values.title(measure)}", "tokens", _middle(seen, "observed_at"))
        if _shared(x, y):
            yield x, y, said(onset_correlation(rows))


def _middle(rows: Sequence[OnsetPrediction], key: Literal["predicted", "observed_at"]) -> dict[str, float]:
    """Arm -> median of its seeds."""
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(row["arm"], []).append(row[key] or 0.0)
    return {arm: median(values) for arm, values in found.items()}


def correlation(x: Side, y: Side) -> str:
    """The rank correlation of two sides in words."""
    both = _shared(x, y)
    return said(spearman([x.arms[arm] for arm in both], [y.arms[arm] for arm in both]))


def said(found: RankCorrelation) -> str:
    """'rank correlation −0.500, 95 % interval −0.900 to 0.300, n = 8 arms'."""
    n = f"n = {plural(found.n, 'arm')}"
    if found.rho is None:
        return f"no rank correlation: too few arms or no spread, {n}"
    interval = f", 95 % interval {number(found.interval[0])} to {number(found.interval[1])}" if found.interval else ""
    return f"rank correlation {number(found.rho)}{interval}, {n}"


def _panel(x: Side, y: Side, name: str, related: str = "") -> Markup:
    rows: list[dict[str, Any]] = [{"arm": arm, "x": x.arms[arm], "y": y.arms[arm]} for arm in _shared(x, y)]
    right = charts.extent([row["x"] for row in rows], 0.12)
    base = alt.Chart(charts.data(rows)).encode(
        alt.X("x:Q", title=axis(x.title, x.unit), scale=alt.Scale(domain=right, nice=False), axis=_ticks(x)),
        alt.Y("y:Q", title=y.unit, scale=alt.Scale(domain=charts.extent([r["y"] for r in rows], 0.1)), axis=_ticks(y)),
    )
    middle = sum(right) / 2  # names point inwards, so that none is cut off
    text = {"fontSize": 10, "color": "#444"}
    layers = [
        base.mark_point(filled=True, size=45, opacity=0.9, color=palette.BLUE),
        base.mark_text(align="left", dx=6, **text).encode(alt.Text("arm:N")).transform_filter(f"datum.x < {middle!r}"),
        base.mark_text(align="right", dx=-6, **text)
        .encode(alt.Text("arm:N"))
        .transform_filter(f"datum.x >= {middle!r}"),
    ]
    related = related or correlation(x, y)
    title = charts.heading(f"{y.title} against {x.title}", related, chars=46)
    chart = alt.layer(*layers, title=title).properties(width=WIDTH, height=HEIGHT)
    return charts.svg(chart, name, f"{y.title} against {x.title}, one point an arm: {related}")


def _ticks(side: Side) -> Any:
    return alt.Axis(tickCount=4, labelExpr=charts.LARGE) if side.unit == "tokens" else alt.Axis(tickCount=5)
