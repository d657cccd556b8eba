"""Tables of measures: means and every seed by arm, the best marked; and few-shot answers by the way they are scored."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ablations.core.results.readings import FEW_SHOT, Name
from ablations.readings.few_shot import ITEMS, PREDICTIONS
from ablations.report.values import Values
from ablations.statistics.claim_estimates import BLIND
from ablations.statistics.measures import Measure
from ablations.statistics.midpoint import marks
from curation.dashboard.numbers import mean

COLUMNS = 6  # measures beside each other on a page 1400 pixels wide
WHOLE = 12  # a metric with so many measures is shown whole
FOLDED = 60  # measures of a metric that can be unfolded
TASKS = 12  # tables of readings; the others are in the JSON of the report
ACCURACY = "accuracy"
REFERENCE = "all"  # the arm of all corpora
Marks = Mapping[str, Mapping[str, str]]  # measure -> arm -> above or below the midpoint


@dataclass(frozen=True)
class MeasureBlock:
    """A few measures of one metric. `arms`, `controls`: those that have any of them; `best`: of each measure the best real arms."""

    metric: str
    measures: list[Measure]
    arms: list[str]
    controls: list[str]
    best: list[set[str]]


@dataclass(frozen=True)
class MetricTable:
    """One metric: what is shown at once, what a reader can unfold, and how many measures only the JSON holds."""

    metric: str
    shown: list[MeasureBlock]
    folded: list[MeasureBlock]
    hidden: int


def parts(values: Values, measures: Sequence[Measure], primary: Collection[str], marked: Marks) -> list[MetricTable]:
    """The table metric by metric. Of a metric with many measures the primary ones are shown, some folded, the rest left out.

    Args:
        primary: names of the primary measures; those with marks are shown too.
    """

    def cut(metric: str, some: list[Measure]) -> list[MeasureBlock]:
        return [_block(values, metric, some[at : at + COLUMNS]) for at in range(0, len(some), COLUMNS)]

    tables = []
    for metric in dict.fromkeys(m.metric for m in measures):
        own = [m for m in measures if m.metric == metric]
        shown = own if len(own) <= WHOLE else [m for m in own if m.measure in primary or m.measure in marked]
        rest = [m for m in own if m not in shown] if shown is not own else []
        tables.append(MetricTable(metric, cut(metric, shown), cut(metric, rest[:FOLDED]), max(0, len(rest) - FOLDED)))
    return tables


def _block(values: Values, metric: str, measures: list[Measure]) -> MeasureBlock:
    real, controls = (
        [name for name in names if any(name in measure.arms for measure in measures)]
        for names in (values.real, values.controls)
    )
    return MeasureBlock(metric, measures, real, controls, [_best(values, measure) for measure in measures])


def _best(values: Values, measure: Measure) -> set[str]:
    """The real arms with the best mean; empty for fewer than two arms, or a measure without a better side."""
    means = {arm: values.mean(arm, measure.measure) for arm in values.real}
    known = {arm: value for arm, value in means.items() if value is not None}
    if len(known) < 2 or measure.better is None:
        return set()
    top = min(known.values()) if measure.better == "lower" else max(known.values())
    return {arm for arm, value in known.items() if value == top}


def label(m: Measure) -> list[str]:
    """Its name less the metric, in pieces for lines to break."""
    name = Name("", m.reading, m.source, m.task, m.k, m.condition, m.of)
    return (name.text or m.metric).split(".")


def midpoint_marks(values: Values) -> dict[str, dict[str, str]]:
    """The midpoint rule of the published table: accuracy at the largest k of each task -> arm -> "above" or "below".

    Empty without an arm called all.
    """
    by_measure = {}
    for task, k in values.largest_k().items():
        measure, majority = values.shots(task, k, "gold", ACCURACY), values.shots(task, k, "", "blind.majority")
        known = {arm: value for arm in values.real if (value := values.mean(arm, measure)) is not None}
        baseline = mean(values.mean(arm, majority) for arm in known)
        if baseline is not None and (of_arms := marks(known, REFERENCE, baseline)):
            by_measure[measure] = of_arms
    return by_measure


@dataclass(frozen=True)
class TaskTable:
    """At the task's largest k: a column for each measure, and for each arm the means over seeds."""

    task: str
    k: int
    columns: list[Measure]
    arms: list[str]


def task_tables(values: Values) -> list[TaskTable]:
    """Readings of few-shot answers of tasks with more than accuracy; empty where there is none."""
    by_task: dict[str, list[Measure]] = {}
    for row in values.rows.values():
        if row.metric == FEW_SHOT and row.task:
            by_task.setdefault(row.task, []).append(row)
    return [table for task, rows in by_task.items() if (table := _table(values, task, rows))]


def _table(values: Values, task: str, rows: list[Measure]) -> TaskTable | None:
    """None where answers are written: their scores are shown with the k-shot curves."""
    shown = _shown(rows)
    k = max((row.k or 0 for row in shown), default=0)
    columns = sorted((row for row in shown if row.k == k), key=lambda row: row.unit == PREDICTIONS)
    if len(columns) < 2 or ACCURACY not in {row.reading for row in columns}:
        return None
    arms = [a for a in [*values.real, *values.controls] if any(values.of(a, column.measure) for column in columns)]
    return TaskTable(task, k, columns, arms)


def _shown(rows: list[Measure]) -> list[Measure]:
    """With gold demos: accuracies of every sort, and other readings that have a blind guess; and biases."""
    held = {row.reading.removeprefix(BLIND) for row in rows if row.reading.startswith(BLIND)}
    scored = [row for row in rows if row.condition == "gold" and (row.unit == ITEMS or row.reading in held)]
    return [*scored, *(row for row in rows if row.unit == PREDICTIONS)]
