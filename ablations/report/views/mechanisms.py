"""What lies beneath the measures: losses by place, scores of attention heads, and what taking the strongest away costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from markupsafe import Markup

from ablations.core.results.readings import SILENCED
from ablations.report.contents.contract import Measure
from ablations.report.contents.mechanisms import Head, Heads, PositionLoss
from ablations.report.contents.values import WHOLE, Values
from curation.dashboard import charts
from curation.dashboard.numbers import mean, number
from curation.dashboard.palette import Style, styles

COLUMNS, WIDTH, HEIGHT = 3, 345, 210
SOURCES = 6  # panels of losses by place
ARMS = 10  # arms with maps of their heads


@dataclass(frozen=True)
class Position:
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
    """What a measure loses without the strongest heads, and without as many drawn by lot; seeds beside."""

    arm: str
    measure: str
    unit: str
    top: list[float]
    random: list[float]


@dataclass(frozen=True)
class Mechanisms:
    positions: Position
    heads: list[HeadMap]
    heads_undrawn: list[str]
    ablations: list[Ablation]


def mechanisms(values: Values, positions: Sequence[PositionLoss], heads: Sequence[Heads]) -> Mechanisms:
    """Controls beside the real arms in everything but the losses by place, whose sources they do not share."""
    first = {(row["arm"]): row for row in sorted(heads, key=lambda row: -row["seed"])}
    arms = [arm for arm in [*values.controls, *values.real] if arm in first]
    return Mechanisms(
        _positions([row for row in positions if row["arm"] in values.real]),
        [_map(first[arm], [row for row in heads if row["arm"] == arm]) for arm in arms[:ARMS]],
        arms[ARMS:],
        _ablations(values),
    )


def _positions(rows: Sequence[PositionLoss]) -> Position:
    arms = styles(row["arm"] for row in rows)
    sources = dict.fromkeys(row["source"] for row in rows)
    order = [s for s in WHOLE if s in sources] + [s for s in sources if s not in WHOLE]
    panels = [_losses([row for row in rows if row["source"] == source], source, arms) for source in order[:SOURCES]]
    said = "Mean loss by place in a document, one line an arm"
    return Position(arms, charts.side_by_side(panels, COLUMNS, "positions", said), order[SOURCES:])


def _losses(rows: Sequence[PositionLoss], source: str, arms: dict[str, Style]) -> Any:
    """Lines are means over seeds; seeds would hide each other."""
    found: dict[tuple[str, float], list[float | None]] = {}
    for row in rows:
        for token, loss in zip(row["tokens"], row["loss"], strict=True):
            found.setdefault((row["arm"], token), []).append(loss)
    data = [{"arm": arm, "token": token, "loss": mean(losses)} for (arm, token), losses in found.items()]
    last = max((token for _, token in found), default=1.0)
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


def _map(shown: Heads, seeds: Sequence[Heads]) -> HeadMap:
    names = dict.fromkeys(name for head in shown["heads"] for name in head["scores"])
    layers = max((head["layer"] for head in shown["heads"]), default=-1) + 1
    scores = {name: [_layer(shown["heads"], name, layer) for layer in range(layers)] for name in names}
    return HeadMap(shown["arm"], shown["seed"], scores, [said for name in names if (said := _strongest(seeds, name))])


def _layer(heads: Sequence[Head], name: str, layer: int) -> list[tuple[float | None, float]]:
    own = sorted((head for head in heads if head["layer"] == layer), key=lambda head: head["head"])
    return [(value, min(1.0, max(0.0, value or 0.0))) for value in (head["scores"].get(name) for head in own)]


def _strongest(seeds: Sequence[Heads], name: str) -> str:
    """'prefix matching: seed 0 layer 1 head 2, 0.830 · seed 1 ...'; heads of different seeds are not the same heads."""
    best = []
    for row in sorted(seeds, key=lambda row: row["seed"]):
        known = [(head["scores"].get(name) or 0.0, head["layer"], head["head"]) for head in row["heads"]]
        if known:
            value, layer, head = max(known)
            best.append(f"seed {row['seed']} layer {layer} head {head}, {number(value)}")
    return f"{name.replace('_', ' ')}: {' · '.join(best)}" if best else ""


def _ablations(values: Values) -> list[Ablation]:
    costs: dict[str, dict[str, Measure]] = {}
    for row in values.rows():
        if row["of"] and row["reading"] in SILENCED:
            costs.setdefault(row["of"], {})[row["reading"]] = row
    found = []
    for arm in [*values.real, *values.controls]:
        for measure, by_heads in costs.items():
            seeds = {done: list(values.of(row["measure"], arm).values()) for done, row in by_heads.items()}
            if any(seeds.values()):
                unit = next(iter(by_heads.values()))["unit"]
                found.append(Ablation(arm, measure, unit, seeds.get("top", []), seeds.get("random", [])))
    return found
