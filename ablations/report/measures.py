"""The table of arms and measures: means, every seed beside them, the best of each measure marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablations.report.contract import Arm, Measure
from curation.dashboard.numbers import mean

COLUMNS = 6  # measures beside each other on a page 1400 pixels wide


@dataclass(frozen=True)
class Cell:
    """What one arm gave; `mean` is null when nothing was measured."""

    mean: float | None
    seeds: Mapping[str, float | None]
    best: bool


@dataclass(frozen=True)
class Row:
    arm: str
    cells: list[Cell]


@dataclass(frozen=True)
class Block:
    """A few measures of one metric, for all arms. `labels`: names less the metric, in pieces for lines to break."""

    metric: str
    measures: list[Measure]
    labels: list[list[str]]
    arms: list[Row]
    controls: list[Row]


def blocks(measures: Sequence[Measure], arms: Sequence[Arm]) -> list[Block]:
    """The whole table, cut into blocks that fit on a page. An arm that no measure knows has no row."""
    controls = {arm["arm"] for arm in arms if arm["control"]}
    names = list(dict.fromkeys([*(arm["arm"] for arm in arms), *(name for m in measures for name in m["arms"])]))
    result = []
    for metric in dict.fromkeys(m["metric"] for m in measures):
        of_metric = [m for m in measures if m["metric"] == metric]
        starts = range(0, len(of_metric), COLUMNS)
        result += [_block(metric, of_metric[at : at + COLUMNS], names, controls) for at in starts]
    return result


def _block(metric: str, measures: list[Measure], names: list[str], controls: set[str]) -> Block:
    best = [_best(measure, controls) for measure in measures]
    rows = [
        Row(name, [_cell(measure, name, name in winners) for measure, winners in zip(measures, best, strict=True)])
        for name in names
        if any(name in measure["arms"] for measure in measures)
    ]
    real = [row for row in rows if row.arm not in controls]
    labels = [m["measure"].removeprefix(f"{metric}.").split(".") for m in measures]
    return Block(metric, measures, labels, real, [row for row in rows if row.arm in controls])


def _cell(measure: Measure, arm: str, best: bool) -> Cell:
    seeds = measure["arms"].get(arm, {})
    return Cell(mean(seeds.values()), seeds, best)


def _best(measure: Measure, controls: set[str]) -> set[str]:
    """The real arms with the best mean; nobody when there is no contest or the measure has no better side."""
    means = {arm: mean(seeds.values()) for arm, seeds in measure["arms"].items() if arm not in controls}
    known = {arm: value for arm, value in means.items() if value is not None}
    if len(known) < 2 or measure["lower_is_better"] is None:
        return set()
    top = min(known.values()) if measure["lower_is_better"] else max(known.values())
    return {arm for arm, value in known.items() if value == top}
