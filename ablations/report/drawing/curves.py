"""Learning curves and the phase change: when, in training tokens, each cell left its baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from markupsafe import Markup

from ablations.report.contents import Curve
from curation.dashboard import charts, palette
from curation.dashboard.numbers import amount, listed, plural, setting
from curation.dashboard.palette import Style, styles

COLUMNS = 3
WIDTH, HEIGHT = 345, 190
MOST = 5  # measures drawn when none has an onset
ONSETS = 8  # measures drawn with an onset, those that some cell reached first
DOTTED = 80  # evaluations of a panel with a dot each: more hide the lines and weigh megabytes
SWITCHED, SILENT = 8, 3  # arms with figures of their own
IN_HEADLINE = 4  # measures whose onsets the headline names
TRAIN_LOSS = "train_loss"
FIRST_MILESTONE = "heads.previous_token.max"
_TITLES = {TRAIN_LOSS: "training loss"}
_BAND = palette.ORANGE


@dataclass(frozen=True)
class CurvesView:
    """`onsets`: arm -> a list of sentences for each measure; `switched`, `silent`: arms with an onset, and without.

    `undrawn`: measures, `not_alone`: arms that have no figures of their own.
    """

    headline: str
    arms: dict[str, Style]
    thresholds: dict[str, str]
    onsets: dict[str, list[list[str]]]
    overview: list[Markup]
    undrawn: list[str]
    switched: list[tuple[str, list[Markup]]]
    silent: list[tuple[str, list[Markup]]]
    not_alone: list[str]


def curves_view(curves: Sequence[Curve], unit: Callable[[str], str]) -> CurvesView:
    """Everything that the template of the learning curves shows.

    Args:
        unit: of a measure, for the axes.
    """
    drawn = [curve for curve in curves if curve.points]
    arms = styles(curve.arm for curve in drawn)
    axes = _axes(drawn, unit)
    happened = [arm for arm in arms if _switched(drawn, arm)]
    silent = [arm for arm in arms if arm not in happened]
    alone = [*happened[:SWITCHED], *silent[:SILENT]]
    figures = [(arm, _arm_figures(drawn, arm, axes, i)) for i, arm in enumerate(alone)]
    thresholds = _thresholds(curves)
    with_onsets = dict.fromkeys(c.arm for c in curves if c.onsets)
    return CurvesView(
        headline=_headline(curves),
        arms=arms,
        thresholds=thresholds,
        onsets={arm: [_sentences(curves, arm, m) for m in thresholds] for arm in with_onsets},
        overview=_overview(drawn, arms, axes),
        undrawn=[measure for measure in _taken(drawn) if measure not in axes],
        switched=[(arm, svgs) for arm, svgs in figures if arm in happened],
        silent=[(arm, svgs) for arm, svgs in figures if arm not in happened],
        not_alone=[arm for arm in arms if arm not in alone],
    )


def _switched(curves: Sequence[Curve], arm: str) -> bool:
    return any(onset.by_tokens is not None for c in curves if c.arm == arm for onset in c.onsets.values())


def _thresholds(curves: Sequence[Curve]) -> dict[str, str]:
    """Measure -> the thresholds that were used for it."""
    found: dict[str, set[float]] = {measure: set() for measure in _watched(curves)}
    for curve in curves:
        for measure, onset in curve.onsets.items():
            found[measure].add(onset.threshold)
    return {measure: listed(setting(value) for value in sorted(values)) for measure, values in found.items()}


def _watched(curves: Sequence[Curve]) -> list[str]:
    """Measures that have a threshold, the first milestone first: without a head that looks one back no other head can match."""
    watched = dict.fromkeys(measure for curve in curves for measure in curve.onsets)
    return sorted(watched, key=lambda measure: measure != FIRST_MILESTONE)


def _sentences(curves: Sequence[Curve], arm: str, measure: str) -> list[str]:
    own = [(c.seed, c.onsets[measure]) for c in curves if c.arm == arm and measure in c.onsets]
    return by_seed((seed, onset.after_tokens, onset.by_tokens) for seed, onset in own)


def words(after: float | None, by: float | None) -> str:
    """An onset in words, by its interval in tokens; a censored one says so."""
    if by is None:
        return f"no onset {f'within {amount(after)} tokens' if after is not None else 'in this run'} (censored)"
    if by == after:
        return f"from the first evaluation, at {amount(by)} tokens"
    return f"between {amount(after)} and {amount(by)} tokens"


def by_seed(onsets: Iterable[tuple[int, float | None, float | None]]) -> list[str]:
    """Seeds with the same onset share a sentence: 'seeds 0 and 1: between 100k and 200k tokens'."""
    seeds: dict[str, list[str]] = {}
    for seed, after, by in onsets:
        seeds.setdefault(words(after, by), []).append(str(seed))
    return [f"{'seed' if len(own) == 1 else 'seeds'} {listed(own)}: {text}" for text, own in seeds.items()]


def _headline(curves: Sequence[Curve]) -> str:
    """How many cells switched, for the first measures that have a threshold; real arms and controls apart."""
    sentences = []
    watched = _watched(curves)
    for measure in watched[:IN_HEADLINE]:
        parts = []
        for kind, control in (("real arms", False), ("controls", True)):
            onsets = [c.onsets[measure] for c in curves if measure in c.onsets and c.control == control]
            if onsets:
                switched = sum(onset.by_tokens is not None for onset in onsets)
                parts.append(f"{switched} of {plural(len(onsets), 'cell')} of {kind}")
        sentences.append(f"{measure} left its baseline in {listed(parts)}.")
    if len(watched) > IN_HEADLINE:
        sentences.append(f"{plural(len(watched) - IN_HEADLINE, 'more measure')} in the table below.")
    return " ".join(sentences) or "No onset was looked for."


def _axes(curves: Sequence[Curve], unit: Callable[[str], str]) -> dict[str, str]:
    """What is drawn, and the title of its axis: training loss and the measures with an onset, else the first measures."""
    onsets = _watched(curves)
    reached = {m for c in curves for m, onset in c.onsets.items() if onset.by_tokens is not None}
    drawn = sorted(onsets, key=lambda m: m not in reached)[:ONSETS] or _taken(curves)[:MOST]
    return {TRAIN_LOSS: "training loss, nats per token"} | {m: unit(m) or m for m in drawn}


def _taken(curves: Sequence[Curve]) -> list[str]:
    """Everything that was measured while the cells trained."""
    return list(dict.fromkeys(m for c in curves for p in c.points for m in p.measures))


def _values(curve: Curve, measure: str) -> Iterator[dict[str, Any]]:
    for point in curve.points:
        value = point.train_loss if measure == TRAIN_LOSS else point.measures.get(measure)
        if value is not None:
            yield {"arm": curve.arm, "seed": str(curve.seed), "tokens": point.tokens, "value": value}


def _overview(curves: Sequence[Curve], arms: Mapping[str, Style], axes: Mapping[str, str]) -> list[Markup]:
    """Real arms, then controls: what a control does would press the arms' curves flat."""
    figures = []
    for kind, control in (("arms", False), ("controls", True)):
        of_kind = [curve for curve in curves if curve.control == control]
        panels = []
        for measure, unit in axes.items():
            if rows := [row for curve in of_kind for row in _values(curve, measure)]:
                lines = _lines(rows, unit).encode(charts.colour(arms, "arm"), charts.dash(arms, "arm"))
                title = charts.heading(_TITLES.get(measure, measure), f"all {kind}")
                panels.append(lines.properties(title=title, width=WIDTH, height=HEIGHT))
        about = f"Training loss and measures over training tokens, all {kind}"
        figures += charts.side_by_side(panels, COLUMNS, f"curves-{kind}", about)
    return figures


def _lines(rows: list[dict[str, Any]], unit: str) -> Any:
    return (
        alt.Chart(charts.data(rows))
        .mark_line(strokeWidth=1.4, point=alt.OverlayMarkDef(size=12) if len(rows) <= DOTTED else False)
        .encode(
            alt.X("tokens:Q", title="training tokens", axis=alt.Axis(labelExpr=charts.LARGE, tickCount=5)),
            alt.Y("value:Q", title=unit, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)),
            alt.Detail("seed:N"),
        )
    )


def _arm_figures(curves: Sequence[Curve], arm: str, axes: Mapping[str, str], place: int) -> list[Markup]:
    """One arm alone, one panel a measure, with the interval of every seed's onset."""
    own = [curve for curve in curves if curve.arm == arm]
    panels = [panel for measure, unit in axes.items() if (panel := _arm_panel(own, measure, unit)) is not None]
    return charts.side_by_side(panels, COLUMNS, f"arm-{place}", f"Learning curves of {arm}, by seed")


def _arm_panel(curves: Sequence[Curve], measure: str, unit: str) -> Any:
    rows = [row for curve in curves for row in _values(curve, measure)]
    if not rows:
        return None
    seeds = styles(str(curve.seed) for curve in curves)
    lines = _lines(rows, unit).encode(charts.colour(seeds, "seed"), charts.dash(seeds, "seed"))
    layers = [*_onset_layers(curves, measure), lines]
    title = charts.heading(_TITLES.get(measure, measure), *_sentences(curves, curves[0].arm, measure))
    return alt.layer(*layers, title=title).properties(width=WIDTH, height=HEIGHT)


def _onset_layers(curves: Sequence[Curve], measure: str) -> list[Any]:
    """A band for each onset that happened, a dotted line at each threshold."""
    onsets = [c.onsets[measure] for c in curves if measure in c.onsets]
    bands = [{"tokens": onset.after_tokens, "to": onset.by_tokens} for onset in onsets if onset.by_tokens is not None]
    thresholds = sorted({onset.threshold for onset in onsets})
    layers = []
    if bands:
        layers.append(
            alt.Chart(charts.data(bands)).mark_rect(color=_BAND, opacity=0.22).encode(alt.X("tokens:Q"), alt.X2("to"))
        )
    if thresholds:
        rule = alt.Chart(charts.data([{"value": t} for t in thresholds])).mark_rule(strokeDash=[2, 3], color="#555")
        layers.append(rule.encode(alt.Y("value:Q")))
    return layers
