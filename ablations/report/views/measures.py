"""The table of arms and measures: means, every seed beside them, the best of each measure marked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ablations.core.results.readings import Name
from ablations.report.contents.contract import Arm, Measure
from curation.dashboard.numbers import mean

COLUMNS = 6  # measures beside each other on a page 1400 pixels wide
WHOLE = 12  # a metric with so many measures is shown whole
FOLDED = 60  # measures of a metric that can be unfolded


@dataclass(frozen=True)
class Cell:
    """What one arm gave; `mean` is null when nothing was measured; `mark`: above or below the midpoint, or nothing."""

    mean: float | None
    seeds: Mapping[str, float | None]
    best: bool
    mark: str


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


@dataclass(frozen=True)
class Part:
    """One metric: what is shown at once, what a reader can unfold, and how many measures only the JSON holds."""

    metric: str
    shown: list[Block]
    folded: list[Block]
    hidden: int


Marks = Mapping[str, Mapping[str, str]]  # measure -> arm -> mark


def parts(measures: Sequence[Measure], arms: Sequence[Arm], primary: Collection[str], marks: Marks) -> list[Part]:
    """The table metric by metric. Of a metric with many measures the primary ones are shown, some folded, the rest left out.

    Args:
        primary: names of the measures that speak for the study; those with marks are shown too.
    """
    controls = {arm["arm"] for arm in arms if arm["control"]}
    names = list(dict.fromkeys([*(arm["arm"] for arm in arms), *(name for m in measures for name in m["arms"])]))

    def cut(metric: str, some: list[Measure]) -> list[Block]:
        starts = range(0, len(some), COLUMNS)
        return [_block(metric, some[at : at + COLUMNS], names, controls, marks) for at in starts]

    found = []
    for metric in dict.fromkeys(m["metric"] for m in measures):
        own = [m for m in measures if m["metric"] == metric]
        shown = own if len(own) <= WHOLE else [m for m in own if m["measure"] in primary or m["measure"] in marks]
        rest = [m for m in own if m not in shown] if shown is not own else []
        found.append(Part(metric, cut(metric, shown), cut(metric, rest[:FOLDED]), max(0, len(rest) - FOLDED)))
    return found


def _block(metric: str, measures: list[Measure], names: list[str], controls: set[str], marks: Marks) -> Block:
    best = [_best(measure, controls) for measure in measures]
    rows = [
        Row(
            name,
            [_cell(m, name, name in won, marks.get(m["measure"], {})) for m, won in zip(measures, best, strict=True)],
        )
        for name in names
        if any(name in measure["arms"] for measure in measures)
    ]
    real = [row for row in rows if row.arm not in controls]
    labels = [_label(m).split(".") for m in measures]
    return Block(metric, measures, labels, real, [row for row in rows if row.arm in controls])


def _label(m: Measure) -> str:
    """Its name less the metric."""
    name = Name("", m["reading"], m["source"], m["task"], m["k"], m["condition"], m["of"])
    return name.text or m["metric"]


def _cell(measure: Measure, arm: str, best: bool, marks: Mapping[str, str]) -> Cell:
    seeds = measure["arms"].get(arm, {})
    return Cell(mean(seeds.values()), seeds, best, marks.get(arm, ""))


def _best(measure: Measure, controls: set[str]) -> set[str]:
    """The real arms with the best mean; nobody when there is no contest or the measure has no better side."""
    means = {arm: mean(seeds.values()) for arm, seeds in measure["arms"].items() if arm not in controls}
    known = {arm: value for arm, value in means.items() if value is not None}
    if len(known) < 2 or measure["better"] is None:
        return set()
    top = min(known.values()) if measure["better"] == "lower" else max(known.values())
    return {arm for arm, value in known.items() if value == top}
