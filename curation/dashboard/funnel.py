"""Where the rows of every source went, as a figure and as a table that adds up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt
from markupsafe import Markup

from curation.dashboard import palette
from curation.dashboard.charts import data, svg
from curation.dashboard.contents import Funnel
from curation.dashboard.numbers import count, listed, percent, plural
from curation.dashboard.palette import Style

CURATED, QUARANTINED = "curated", "quarantined"
_REASON_COLOURS = (palette.ORANGE, palette.SKY, palette.BLUE, palette.YELLOW, palette.VERMILLION, palette.PURPLE)


@dataclass(frozen=True)
class Line:
    """One line of the table: a number for each source, and their sum."""

    label: str
    kind: str  # in, out, kept or wrong
    values: list[int]

    @property
    def total(self) -> int:
        return sum(self.values)


@dataclass(frozen=True)
class FunnelView:
    headline: str
    figure: Markup | None
    legend: dict[str, Style]
    lines: list[Line]


def funnel_view(funnel: Mapping[str, Funnel]) -> FunnelView:
    """What the funnel's template shows besides the numbers themselves."""
    reasons = _reasons(funnel)
    labels = _labels(reasons)
    legend = _legend(labels)
    return FunnelView(
        headline=_headline(funnel),
        figure=_figure(funnel, legend, labels) if any(source.rows for source in funnel.values()) else None,
        legend=legend,
        lines=_account(funnel, reasons),
    )


def _reasons(funnel: Mapping[str, Funnel]) -> list[str]:
    """All reasons to drop, the one with most documents first."""
    totals: dict[str, int] = {}
    for source in funnel.values():
        for reason, n in source.dropped.items():
            totals[reason] = totals.get(reason, 0) + n
    return sorted((reason for reason, n in totals.items() if n), key=lambda reason: (-totals[reason], reason))


def _labels(reasons: list[str]) -> dict[str, str]:
    """What each reason is called in the figure: those with most documents by name, the rest together."""
    rest = len(reasons) - len(_REASON_COLOURS)
    together = plural(rest, "other reason")
    return {reason: reason if i < len(_REASON_COLOURS) else together for i, reason in enumerate(reasons)}


def _legend(labels: Mapping[str, str]) -> dict[str, Style]:
    """In the order of the bars: curated, the reasons (the rest in grey), quarantined."""
    colours = (*_REASON_COLOURS, palette.GREY)
    drops = zip(dict.fromkeys(labels.values()), colours, strict=False)
    legend = {CURATED: Style(palette.GREEN)} | {label: Style(colour) for label, colour in drops}
    return legend | {QUARANTINED: Style(palette.BLACK)}


def _headline(funnel: Mapping[str, Funnel]) -> str:
    rows, kept = sum(f.rows for f in funnel.values()), sum(f.curated for f in funnel.values())
    each = listed(f"{name} {percent(f.curated, f.rows)}" for name, f in funnel.items())
    return f"{count(kept)} of {plural(rows, 'row')} ({percent(kept, rows)}) are curated: {each}."


def _account(funnel: Mapping[str, Funnel], reasons: list[str]) -> list[Line]:
    sources = list(funnel.values())
    lines = [Line("rows found", "in", [f.rows for f in sources])]
    lines.append(Line("quarantined: could not be read", "out", [f.quarantined for f in sources]))
    lines += [Line(f"dropped: {reason}", "out", [f.dropped.get(reason, 0) for f in sources]) for reason in reasons]
    lines.append(Line("curated", "kept", [f.curated for f in sources]))
    lost = [f.rows - f.quarantined - sum(f.dropped.values()) - f.curated for f in sources]
    if any(lost):
        lines.append(Line("NOT ACCOUNTED FOR", "wrong", lost))
    return lines


def _figure(funnel: Mapping[str, Funnel], legend: Mapping[str, Style], labels: Mapping[str, str]) -> Markup:
    rows = [part for name, f in funnel.items() if f.rows for part in _parts(name, f, list(legend), labels)]
    order = [name for name, f in funnel.items() if f.rows]
    scale = alt.Scale(domain=list(legend), range=[style.colour for style in legend.values()])
    bars = (
        alt.Chart(data(rows))
        .mark_bar(stroke="white", strokeWidth=0.5)
        .encode(
            alt.X(
                "share:Q",
                title="share of rows found",
                axis=alt.Axis(format="%", tickCount=10),
                scale=alt.Scale(domain=[0, 1]),
            ),
            alt.Y("source:N", title=None, sort=order),
            alt.Color("part:N", scale=scale, legend=None),
            alt.Order("order:Q"),
        )
    )
    ends = [{"source": name, "text": f"{count(funnel[name].rows)} rows", "share": 1} for name in order]
    labels = (
        alt.Chart(data(ends))
        .mark_text(align="left", dx=6, fontSize=11, color="#444")
        .encode(alt.X("share:Q"), alt.Y("source:N", sort=order), alt.Text("text:N"))
    )
    # the browser's letters may be wider than those that the chart was laid out with
    room = {"left": 30, "right": 40, "top": 4, "bottom": 4}
    return svg((bars + labels).properties(width=940, height=alt.Step(28), padding=room), "funnel", _headline(funnel))


def _parts(name: str, source: Funnel, order: list[str], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """The pieces of one source's bar."""
    numbers = {CURATED: source.curated, QUARANTINED: source.quarantined}
    for reason, n in source.dropped.items():
        if n:
            numbers[labels[reason]] = numbers.get(labels[reason], 0) + n
    return [
        {"source": name, "part": part, "share": n / source.rows, "order": order.index(part)}
        for part, n in numbers.items()
        if n
    ]
