"""What each arm was trained on, and size curves: the same mixture and shape at different shares of the data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt
from markupsafe import Markup

from ablations.report.contents import ArmSource, ModelSize, TrainedArm
from ablations.report.values import Values
from curation.dashboard import charts
from curation.dashboard.numbers import amount, count, listed, percent, ratio
from curation.dashboard.palette import Style, styles

COLUMNS = 3
WIDTH, HEIGHT = 345, 190
PANELS = 9
_TITLES = {"tokens": "distinct tokens in the arm's data", "share": "share of the data"}


def sources_of(arm: TrainedArm) -> list[tuple[str, float | None, ArmSource]]:
    """Source, its share of the mixture, what was taken; the mixture's first. An arm without any source still has a row."""
    names = list(dict.fromkeys([*arm.mixture, *arm.sources])) or ["no source"]
    weights = sum(weight or 0 for weight in arm.mixture.values())  # relative: 1 and 1 is half and half
    nothing = ArmSource(None, None, None, None)
    return [(name, ratio(arm.mixture.get(name), weights), arm.sources.get(name, nothing)) for name in names]


def model_text(model: ModelSize) -> str:
    shape = f"{count(model.layers)} layers, width {count(model.width)}, context {count(model.context)}"
    return f"{shape}; {amount(model.parameters)} parameters"


@dataclass(frozen=True)
class SizesView:
    """`partly`: arms whose run was too short to read all their data once; `undrawn`: measures left to the table."""

    mixtures: dict[str, Style]
    figures: list[Markup]
    partly: str
    undrawn: list[str]


def sizes_view(values: Values, arms: Sequence[TrainedArm]) -> SizesView | None:
    """None unless some mixture was trained at two sizes at least."""
    groups = {_name(group): group for group in _groups(arms)}
    if not groups:
        return None
    drawn = styles(groups)
    by = "tokens" if all(_distinct(arm) for group in groups.values() for arm in group) else "share"
    having = [m for m in values.primary() if any(values.of(arm.arm, m) for g in groups.values() for arm in g)]
    panels = [_panel(values, measure, groups, drawn, by) for measure in having[:PANELS]]
    label = "Measures by size of the training data, one line a mixture, every seed a point"
    partly = [arm.arm for group in groups.values() for arm in group if _read_once(arm) is False]
    return SizesView(
        drawn,
        charts.side_by_side(panels, COLUMNS, "sizes", label),
        listed(partly) if partly else "",
        [values.title(measure) for measure in having[PANELS:]],
    )


def _groups(arms: Sequence[TrainedArm]) -> list[list[TrainedArm]]:
    """Arms that differ in their share of the data alone, two shares at least, the smallest first."""
    found: dict[str, list[TrainedArm]] = {}
    for arm in arms:
        if not arm.control and arm.fraction is not None:
            found.setdefault(mixture_and_shape(arm), []).append(arm)
    groups = [sorted(group, key=lambda arm: arm.fraction or 0) for group in found.values()]
    return [group for group in groups if len({arm.fraction for arm in group}) > 1]


def mixture_and_shape(arm: TrainedArm) -> str:
    """The same text for arms of the same relative weights, model and budget."""
    total = sum(weight or 0 for weight in arm.mixture.values()) or 1
    shares = {source: round((weight or 0) / total, 6) for source, weight in sorted(arm.mixture.items())}
    return json.dumps([shares, asdict(arm.model), arm.tokens], sort_keys=True)


def _name(group: Sequence[TrainedArm]) -> str:
    """'all_6, all_56 and all_150': names of the arms, since a mixture has none of its own."""
    return listed(f"{arm.arm} ({percent(arm.fraction)})" for arm in group)


def _distinct(arm: TrainedArm) -> float | None:
    """Tokens of the chosen documents: what was taken, less repetitions."""
    parts = [
        taken.tokens / taken.repetitions if taken.tokens is not None and taken.repetitions else None
        for taken in arm.sources.values()
    ]
    return sum(part for part in parts if part is not None) if parts and None not in parts else None


def _size(arm: TrainedArm, by: str) -> float:
    return (_distinct(arm) if by == "tokens" else arm.fraction) or 1.0


def _read_once(arm: TrainedArm) -> bool | None:
    known = [t.repetitions for t in arm.sources.values() if t.repetitions is not None]
    return all(repetitions >= 1 for repetitions in known) if known else None


def _panel(values: Values, measure: str, groups: dict[str, list[TrainedArm]], drawn: dict[str, Style], by: str) -> Any:
    rows = [
        {"mixture": name, "size": _size(arm, by), "seed": seed, "value": value}
        for name, group in groups.items()
        for arm in group
        for seed, value in values.of(arm.arm, measure).items()
    ]
    sizes = [_size(arm, by) for group in groups.values() for arm in group]
    ticks = charts.log_ticks(min(sizes) / 2, max(sizes) * 2)
    axis = alt.Axis(values=ticks, **({"labelExpr": charts.LARGE} if by == "tokens" else {"format": "~%"}))
    x = alt.X("size:Q", title=_TITLES[by], scale=alt.Scale(type="log", nice=False, padding=12), axis=axis)
    base = alt.Chart(charts.data(rows)).encode(x, charts.colour(drawn, "mixture"))
    y = alt.Scale(zero=False)
    layers = [
        base.mark_line(strokeWidth=1.8).encode(
            alt.Y("mean(value):Q", title=values.unit(measure), scale=y, axis=alt.Axis(tickCount=5)),
            charts.dash(drawn, "mixture"),
        ),
        base.mark_point(filled=True, size=32, opacity=0.8).encode(alt.Y("value:Q", scale=y)),
    ]
    return alt.layer(*layers, title=charts.heading(values.title(measure), chars=50)).properties(
        width=WIDTH, height=HEIGHT
    )
