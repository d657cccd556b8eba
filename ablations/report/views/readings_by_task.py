"""Readings of few-shot answers in one table: how answers are scored, and what a model answers whatever it is asked."""

from __future__ import annotations

from dataclasses import dataclass

from ablations.core.results.readings import FEW_SHOT
from ablations.readings.few_shot import ITEMS, PREDICTIONS
from ablations.report.contents.contract import Measure
from ablations.report.contents.values import Values
from ablations.statistics.questions import BLIND

TASKS = 12  # tables; the others stand in the JSON of the report
ACCURACY = "accuracy"


@dataclass(frozen=True)
class TaskReadings:
    """At the task's largest k: columns, and for each arm the means over seeds."""

    task: str
    k: int
    columns: list[str]
    rows: list[tuple[str, list[float | None]]]


@dataclass(frozen=True)
class ReadingsView:
    tables: list[TaskReadings]
    undrawn: list[str]


def readings_view(values: Values) -> ReadingsView:
    """Tasks with more to tell than accuracy; empty where there is none."""
    found: dict[str, list[Measure]] = {}
    for row in values.rows():
        if row["metric"] == FEW_SHOT and row["task"]:
            found.setdefault(row["task"], []).append(row)
    tables = [table for task, rows in found.items() if (table := _table(values, task, rows))]
    return ReadingsView(tables[:TASKS], [table.task for table in tables[TASKS:]])


def _table(values: Values, task: str, rows: list[Measure]) -> TaskReadings | None:
    """None where answers are written: what these come to stands with the k-shot curves."""
    told = _told(rows)
    k = max((row["k"] or 0 for row in told), default=0)
    columns = sorted((row for row in told if row["k"] == k), key=lambda row: row["unit"] == PREDICTIONS)
    if len(columns) < 2 or ACCURACY not in {row["reading"] for row in columns}:
        return None
    arms = [*values.real, *values.controls]
    means = [(arm, [values.mean(column["measure"], arm) for column in columns]) for arm in arms]
    known = [(arm, row) for arm, row in means if any(value is not None for value in row)]
    return TaskReadings(task, k, [column["short"] for column in columns], known)


def _told(rows: list[Measure]) -> list[Measure]:
    """With gold demos: accuracies of every sort, and what else a blind guess is held against; and biases."""
    held = {row["reading"].removeprefix(BLIND) for row in rows if row["reading"].startswith(BLIND)}
    scored = [row for row in rows if row["condition"] == "gold" and (row["unit"] == ITEMS or row["reading"] in held)]
    return [*scored, *(row for row in rows if row["unit"] == PREDICTIONS)]
