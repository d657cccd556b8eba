"""What the report takes from finished cells: measures, curves, k-shot points, losses by place, heads; and what transforms did."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from ablations.core.results.answers import TaskAnswers
from ablations.core.results.readings import FEW_SHOT, STANDARD_ERROR, Reading
from ablations.report.contents import (
    CellHeads,
    Change,
    Curve,
    CurvePoint,
    HeadScores,
    PositionLoss,
    ShotPoint,
    ShotReading,
    Shots,
)
from ablations.statistics.cell_result import CellResult
from ablations.statistics.claim_estimates import BLIND
from ablations.statistics.measures import Measure, Measures

LOSS, ACCURACY = "nll", "accuracy"  # readings with a field of their own in every point
PLACES = 48  # points of a curve by place: enough for an eye, few enough for a page
Level = tuple[int, str]  # k, condition


def final(measures: Measures) -> tuple[Measure, ...]:
    """Every final reading, by name, the standard errors of single cells beside their values."""
    errors = {name.removesuffix(f".{STANDARD_ERROR}"): row.arms for name, row in measures.rows.items() if row.is_error}
    rows = (row for _, row in sorted(measures.rows.items()) if not row.is_error)
    return tuple(replace(row, errors=errors.get(row.measure, {})) for row in rows)


def curve(cell: CellResult, control: bool) -> Curve:
    """The learning curve of a cell."""
    losses = {point["tokens"]: point["train_loss"] for point in cell.training.get("losses", ())}
    measures: dict[int, dict[str, float]] = {tokens: {} for tokens in losses}
    for name, values in cell.curves.items():
        for tokens, value in values:
            measures.setdefault(tokens, {})[name] = value
    points = tuple(CurvePoint(tokens, losses.get(tokens), measures[tokens]) for tokens in sorted(measures))
    return Curve(cell.arm, cell.seed, control, points, cell.onsets)


def shots(cell: CellResult) -> Iterator[Shots]:
    """One for each task: every k and condition that was asked, also where no prompt fitted into the context."""
    for task, answers in cell.answers.items():
        own = [r for r in cell.readings.values() if r.metric == FEW_SHOT and r.task == task]
        shown = [reading for reading in own if reading.condition]
        asked, answered = _asked(answers), _answered(answers)
        levels = dict.fromkeys([*asked, *((r.k or 0, r.condition) for r in shown)])
        points = tuple(_point(own, level, answered.get(level, 0), asked.get(level, 0)) for level in levels)
        about = {r.reading: ShotReading(r.short or r.words, r.unit, r.better) for r in shown}
        yield Shots(cell.arm, cell.seed, task, about, points)


def _asked(answers: TaskAnswers) -> dict[Level, int]:
    """Items times draws, whether they fitted into the context or not: each group asks the same items."""
    groups = list(answers.asked())
    items = max((len(group.scores) for group in groups), default=0)
    return {level: items * n for level, n in Counter((group.k, group.condition) for group in groups).items()}


def _answered(answers: TaskAnswers) -> Counter[Level]:
    found: Counter[Level] = Counter()
    for group in answers.asked():
        found[group.k, group.condition] += len(group.scores)
    return found


def _point(readings: Sequence[Reading], level: Level, answered: int, asked: int) -> ShotPoint:
    k, condition = level
    at_k = [reading for reading in readings if reading.k == k and reading.value is not None]
    scores = {reading.reading: reading.value for reading in at_k if reading.condition == condition}
    blind = {r.reading.removeprefix(BLIND): r.value for r in at_k if r.reading.startswith(BLIND)}
    loss, accuracy = scores.pop(LOSS, None), scores.pop(ACCURACY, None)
    return ShotPoint(k, condition, loss, accuracy, blind if condition == "gold" else {}, scores, answered, asked)


def positions(cell: CellResult) -> Iterator[PositionLoss]:
    """Loss by place in a document, one for each source; places are joined in groups that grow with the place."""
    for source, losses in _details(cell, "late_minus_early").get("loss_by_token", {}).items():
        yield PositionLoss(cell.arm, cell.seed, source, *thinned(losses))


def thinned(losses: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Means over neighbouring places (`losses[0]` is token 1), in groups of even width on a logarithmic axis.

    Returns:
        The middle token of each group, and the group's mean loss.
    """
    edges = sorted({round(len(losses) ** (i / PLACES)) for i in range(PLACES)} | {len(losses) + 1})
    groups = list(pairwise(edges)) if losses else []
    middles = tuple((start + stop - 1) / 2 for start, stop in groups)
    return middles, tuple(math.fsum(losses[start - 1 : stop - 1]) / (stop - start) for start, stop in groups)


def heads(cell: CellResult) -> Iterator[CellHeads]:
    """Scores of every attention head, if the cell has any."""
    if rows := tuple(_head(**head) for head in _details(cell, "heads").get("heads", [])):
        yield CellHeads(cell.arm, cell.seed, rows)


def _head(layer: int, head: int, **scores: float) -> HeadScores:
    return HeadScores(layer, head, scores)


def _details(cell: CellResult, metric: str) -> Mapping[str, Any]:
    return cell.details.get(metric, {})


def changes(transforms: Mapping[str, Mapping[str, Any]]) -> tuple[Change, ...]:
    """What each transform did to its source, step by step, from the record of the curation."""
    return tuple(
        Change(source, record["of"], step["pass"], statistic, before, after)
        for source, record in transforms.items()
        for step in record["steps"]
        for statistic, (before, after) in step["statistics"].items()
    )
