"""Readings of few-shot answers in one table: how answers are scored, and what a model answers whatever it is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ablations.report.values import Values

TASKS = 12  # tables; the others stand in the JSON of the report
_SCORED = ("accuracy", "accuracy_per_token", "accuracy_per_byte", "accuracy_pmi", "accuracy_calibrated", "macro_f1")
_BIASES = ("majority_label", "recency")
_NAME = re.compile(rf"few_shot\.(.+)\.k(\d+)\.(?:gold\.({'|'.join(_SCORED)})|bias\.({'|'.join(_BIASES)}))")


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
    found: dict[str, dict[int, dict[str, str]]] = {}
    for name in values.names():
        if parts := _NAME.fullmatch(name):
            column = parts[3] or f"bias: {parts[4]}"
            found.setdefault(parts[1], {}).setdefault(int(parts[2]), {})[column] = name
    tables = [table for task, ks in found.items() if (table := _table(values, task, ks))]
    return ReadingsView(tables[:TASKS], [table.task for table in tables[TASKS:]])


def _table(values: Values, task: str, ks: dict[int, dict[str, str]]) -> TaskReadings | None:
    k = max(ks)
    order = [*_SCORED, *(f"bias: {name}" for name in _BIASES)]
    names = {column: ks[k][column] for column in order if column in ks[k]}
    if not set(names) - {"accuracy"}:
        return None
    arms = [*values.real, *values.controls]
    rows = [(arm, [values.mean(name, arm) for name in names.values()]) for arm in arms]
    columns = [column.replace("_", " ") for column in names]
    return TaskReadings(task, k, columns, [(arm, row) for arm, row in rows if any(v is not None for v in row)])
