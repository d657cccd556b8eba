"""What explains the measures: losses by place, attention heads, answers by heart, and predicted onsets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from markupsafe import Markup

from ablations.core.results.readings import CONDITIONS, FEW_SHOT, SILENCED
from ablations.report.contents import CellHeads, HeadScores, PositionLoss
from ablations.report.drawing.curves import by_seed
from ablations.report.values import WHOLE, Values
from ablations.statistics.measures import Measure
from ablations.statistics.onset_prediction import OnsetPrediction
from ablations.statistics.recognition import Recognition, in_words, recognition
from curation.dashboard import charts
from curation.dashboard.numbers import amount, mean, number
from curation.dashboard.palette import Style, styles
from curation.sources.control_texts import VALUES

COLUMNS, WIDTH, HEIGHT = 3, 345, 210
SOURCES = 6  # panels of losses by place
ARMS = 10  # arms with maps of their heads
KNOWN, FRESH = "known_map", "control_map"


@dataclass(frozen=True)
class Positions:
    arms: dict[str, Style]
    figures: list[Markup]
    undrawn: list[str]


@dataclass(frozen=True)
class HeadMap:
    """Of one arm and seed: layer -> heads as (value, share of colour). `strongest`: of every seed, in words."""

    arm: str
    seed: int
    scores: dict[str, list[list[tuple[float | None, float]]]]
    strongest: list[str]


@dataclass(frozen=True)
class Ablation:
    """What a measure loses without the strongest heads, and without as many random ones, by seed."""

    arm: str
    measure: str
    unit: str
    top: list[float]
    random: list[float]


@dataclass(frozen=True)
class Recognised:
    """One arm at the largest k of the known map.

    Attributes:
        zero: NLL without demos, of a question about the known map.
        nll: condition -> NLL of the gold answer, means over seeds.
        fresh: what permuted labels cost on maps that no text held.
        seeds: recognised and learnt nats of every seed, in their order.
        sentence: about the means over seeds.
    """

    arm: str
    k: int
    zero: float | None
    nll: dict[str, float | None]
    fresh: float | None
    seeds: list[Recognition]
    sentence: str


def positions_view(rows: Sequence[PositionLoss]) -> Positions:
    """Of the real arms: controls do not share their sources."""
    arms = styles(row.arm for row in rows)
    sources = dict.fromkeys(row.source for row in rows)
    order = [s for s in WHOLE if s in sources] + [s for s in sources if s not in WHOLE]
    panels = [_losses([row for row in rows if row.source == source], source, arms) for source in order[:SOURCES]]
    about = "Mean loss by place in a document, one line an arm"
    return Positions(arms, charts.side_by_side(panels, COLUMNS, "positions", about), order[SOURCES:])


def _losses(rows: Sequence[PositionLoss], source: str, arms: dict[str, Style]) -> Any:
    """Lines are means over seeds; seeds would hide each other."""
    by_place: dict[tuple[str, float], list[float | None]] = {}
    for row in rows:
        for token, loss in zip(row.tokens, row.loss, strict=True):
            by_place.setdefault((row.arm, token), []).append(loss)
    data = [{"arm": arm, "token": token, "loss": mean(losses)} for (arm, token), losses in by_place.items()]
    last = max((token for _, token in by_place), default=1.0)
    axis = alt.Axis(values=charts.log_ticks(1, last), labelExpr=charts.LARGE)
    return (
        alt.Chart(charts.data(data))
        .mark_line(strokeWidth=1.4)
        .encode(
            alt.X("token:Q", title="token in its document", scale=alt.Scale(type="log", nice=False), axis=axis),
            alt.Y("loss:Q", title="nats per token", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)),
            charts.colour(arms, "arm"),
            charts.dash(arms, "arm"),
        )
        .properties(title=charts.heading(source), width=WIDTH, height=HEIGHT)
    )


def head_maps(values: Values, heads: Sequence[CellHeads]) -> list[HeadMap]:
    """Of the lowest seed of each arm, controls first."""
    first = {row.arm: row for row in sorted(heads, key=lambda row: -row.seed)}
    arms = [arm for arm in [*values.controls, *values.real] if arm in first]
    return [_map(first[arm], [row for row in heads if row.arm == arm]) for arm in arms]


def _map(shown: CellHeads, seeds: Sequence[CellHeads]) -> HeadMap:
    names = dict.fromkeys(name for head in shown.heads for name in head.scores)
    layers = max((head.layer for head in shown.heads), default=-1) + 1
    scores = {name: [_layer(shown.heads, name, layer) for layer in range(layers)] for name in names}
    return HeadMap(shown.arm, shown.seed, scores, [text for name in names if (text := _strongest(seeds, name))])


def _layer(heads: Sequence[HeadScores], name: str, layer: int) -> list[tuple[float | None, float]]:
    own = sorted((head for head in heads if head.layer == layer), key=lambda head: head.head)
    return [(value, min(1.0, max(0.0, value or 0.0))) for value in (head.scores.get(name) for head in own)]


def _strongest(seeds: Sequence[CellHeads], name: str) -> str:
    """'prefix matching: seed 0 layer 1 head 2, 0.830 · seed 1 ...'; heads of different seeds are not the same heads."""
    best = []
    for row in sorted(seeds, key=lambda row: row.seed):
        known = [(head.scores.get(name) or 0.0, head.layer, head.head) for head in row.heads]
        if known:
            value, layer, head = max(known)
            best.append(f"seed {row.seed} layer {layer} head {head}, {number(value)}")
    return f"{name.replace('_', ' ')}: {' · '.join(best)}" if best else ""


def ablations(values: Values) -> list[Ablation]:
    costs: dict[str, dict[str, Measure]] = {}
    for row in values.rows.values():
        if row.of and row.reading in SILENCED:
            costs.setdefault(row.of, {})[row.reading] = row
    rows = []
    for arm in [*values.real, *values.controls]:
        for measure, by_heads in costs.items():
            seeds = {done: list(values.of(arm, row.measure).values()) for done, row in by_heads.items()}
            if any(seeds.values()):
                unit = next(iter(by_heads.values())).unit
                rows.append(Ablation(arm, measure, unit, seeds.get("top", []), seeds.get("random", [])))
    return rows


def recognising(values: Values) -> list[Recognised]:
    """Recognising a known task and learning a new one, separated by the effect of labels on the answer, one row an arm.

    Empty unless some arm was asked about the known map: without it the two cannot be separated.
    """
    gains = values.gains()
    if KNOWN not in gains:
        return []
    known, fresh = gains[KNOWN], gains[FRESH].measure if FRESH in gains else ""
    arms = [arm for arm in [*values.controls, *values.real] if values.of(arm, known.measure)]
    return [_recognised(values, arm, known.k or 0, fresh) for arm in arms]


def _recognised(values: Values, arm: str, k: int, fresh: str) -> Recognised:
    measured: dict[int, dict[str, float]] = {}
    for name in [row.measure for row in values.rows.values() if row.metric == FEW_SHOT and row.task == KNOWN]:
        for seed, value in values.of(arm, name).items():
            measured.setdefault(seed, {})[name] = value
    seeds = [one for of_seed in measured.values() if (one := recognition(of_seed, len(VALUES), k))]
    return Recognised(
        arm,
        k,
        values.mean(arm, values.shots(KNOWN, 0, "gold", "nll")),
        {condition: values.mean(arm, values.shots(KNOWN, k, condition, "nll")) for condition in CONDITIONS},
        values.mean(arm, fresh),
        seeds,
        in_words(_mean(seeds)) if seeds else "not asked under every condition that tells",
    )


def _mean(seeds: Sequence[Recognition]) -> Recognition:
    """Of all seeds."""
    names = ("recognised", "learnt", "nonce_accuracy")
    return Recognition(*(mean(getattr(one, name) for one in seeds) or 0.0 for name in names))


def onsets_by_arm(predictions: Sequence[OnsetPrediction]) -> list[list[OnsetPrediction]]:
    """Seeds of an arm and measure together."""
    groups: dict[tuple[str, str], list[OnsetPrediction]] = {}
    for row in predictions:
        groups.setdefault((row.arm, row.measure), []).append(row)
    return list(groups.values())


def spread(values: Iterable[float | None]) -> str:
    """'16M', or '16M to 18M' where seeds differ."""
    known = sorted(value for value in values if value is not None)
    return " to ".join(dict.fromkeys(amount(value) for value in (known[0], known[-1]))) if known else "none"


def seen(rows: Sequence[OnsetPrediction]) -> list[str]:
    """Seeds with the same onset share a sentence."""
    return by_seed((row.seed, row.observed_after, row.observed_by) for row in rows)
