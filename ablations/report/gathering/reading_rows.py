"""What finished cells measured, as the report keeps it: all measures by arm and seed, curves, k-shot points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ablations.core.results.answers import TaskAnswers
from ablations.core.results.readings import FEW_SHOT, Reading
from ablations.statistics.cell_result import CellResult
from ablations.statistics.measures import Measures
from ablations.statistics.questions import BLIND

LOSS, ACCURACY = "nll", "accuracy"  # readings with a field of their own in every point
Level = tuple[int, str]  # k, condition


def measure_rows(measures: Measures) -> list[dict[str, Any]]:
    """Every final reading, by arm and seed. Errors of readings stand with the cells alone."""
    return [_row(measures, about) for _, about in sorted(measures.readings.items()) if not about.is_error]


def _row(measures: Measures, about: Reading) -> dict[str, Any]:
    having = [cell for cell in measures.cells if about.name in cell.values]
    arms: dict[str, dict[str, float]] = {}
    for cell in having:
        arms.setdefault(cell.arm, {})[str(cell.seed)] = cell.values[about.name]
    return {
        "measure": about.name,
        "metric": about.metric,
        "reading": about.reading,
        "source": about.source,
        "task": about.task,
        "k": about.k,
        "condition": about.condition,
        "of": about.of,
        "unit": about.unit,
        "better": about.better,
        "words": about.words,
        "short": about.short or about.words,
        "n": _common([cell.readings[about.name].n for cell in having]),
        "arms": arms,
    }


def _common(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Those that are the same in all cells."""
    first, *others = counts
    return {what: n for what, n in first.items() if all(other.get(what) == n for other in others)}


def curve(cell: CellResult, control: bool) -> dict[str, Any]:
    """What a cell showed while it trained."""
    losses = {point["tokens"]: point["train_loss"] for point in cell.training.get("losses", ())}
    measures: dict[int, dict[str, float]] = {tokens: {} for tokens in losses}
    for name, values in cell.curves.items():
        for tokens, value in values:
            measures.setdefault(tokens, {})[name] = value
    points = [
        {"tokens": tokens, "train_loss": losses.get(tokens), "measures": measures[tokens]}
        for tokens in sorted(measures)
    ]
    return {"arm": cell.arm, "seed": cell.seed, "control": control, "points": points, "onsets": dict(cell.onsets)}


def shot_rows(cell: CellResult) -> Iterator[dict[str, Any]]:
    """A row a task: every k and condition that was asked, also where no prompt fitted into the context."""
    for task, answers in cell.answers.items():
        own = [r for r in cell.readings.values() if r.metric == FEW_SHOT and r.task == task]
        shown = [reading for reading in own if reading.condition]
        asked, answered = _asked(answers), _answered(answers)
        levels = dict.fromkeys([*asked, *((r.k or 0, r.condition) for r in shown)])
        points = [{**_point(own, level), "n": answered.get(level, 0), "asked": asked.get(level, 0)} for level in levels]
        yield {"arm": cell.arm, "seed": cell.seed, "task": task, "readings": _about(shown), "points": points}


def _about(readings: Sequence[Reading]) -> dict[str, dict[str, Any]]:
    return {r.reading: {"words": r.short or r.words, "unit": r.unit, "better": r.better} for r in readings}


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


def _point(readings: Sequence[Reading], level: Level) -> dict[str, Any]:
    k, condition = level
    at_k = [reading for reading in readings if reading.k == k and reading.value is not None]
    scores = {reading.reading: reading.value for reading in at_k if reading.condition == condition}
    return {
        "k": k,
        "condition": condition,
        LOSS: scores.pop(LOSS, None),
        ACCURACY: scores.pop(ACCURACY, None),
        "blind": _blind(at_k) if condition == "gold" else {},
        "scores": scores,
    }


def _blind(readings: Sequence[Reading]) -> dict[str, float | None]:
    """Reading -> what the strongest blind guess gets in it."""
    return {r.reading.removeprefix(BLIND): r.value for r in readings if r.reading.startswith(BLIND)}
