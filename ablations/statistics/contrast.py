"""From the answers of cells to contrasts over seeds x draws x items.

All cells of a study see the same draws and items, so a contrast is taken answer by answer: of two arms, or of two conditions in
one arm. Where some cell lacks the single answers, its one value is used.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from ablations.core.results.answers import GroupAnswers, Score
from ablations.core.results.readings import FEW_SHOT, GAIN, Name
from ablations.readings.blind import commonest
from ablations.statistics.answers import Answers
from ablations.statistics.cell_result import CellResult
from ablations.statistics.crossed import Array

MIRRORED = re.compile(r"[0-9a-f]{16}\.[01]")  # items of maps come in pairs <map>.0 and <map>.1: a pair is one item
ACCURACY = "accuracy"  # the reading that is a share of right answers
Number = Callable[[Score], float]  # one number of a single answer


Reader = Callable[[CellResult], Answers | None]


def answers(cell: CellResult, measure: str) -> Answers | None:
    """The single answers of a few-shot measure, or the documents of a measure of text; None if the cell has none."""
    if measure in cell.items:
        ids, values = cell.items[measure]
        return Answers((0,), tuple(ids), np.array([values], np.float64))
    name = Name.parse(measure)
    if name.metric != FEW_SHOT or name.k is None:
        return None
    if name.reading == GAIN:
        return _difference(group(cell, name.task, name.k, "permuted", nll), group(cell, name.task, name.k, "gold", nll))
    number = {"nll": nll, ACCURACY: right}.get(name.reading)
    return group(cell, name.task, name.k, name.condition, number) if number else None


def nll(score: Score) -> float:
    return score.gold_nll


def right(score: Score) -> float:
    return float(score.correct)


def gold(score: Score) -> float:
    return float(score.gold)


def zero_minus_shots(task: str, k: int) -> Reader:
    """What k gold demonstrations take off the loss of the gold answer."""
    return lambda cell: _difference(group(cell, task, 0, "gold", nll), group(cell, task, k, "gold", nll))


def right_minus_blind(task: str, k: int) -> Reader:
    """Right answers minus those of the strongest blind guess: on the same items, or as its accuracy where it names no label."""

    def read(cell: CellResult) -> Answers | None:
        correct = group(cell, task, k, "gold", right)
        blind = cell.values.get(Name(FEW_SHOT, "blind_accuracy", task=task, k=k).text)
        if correct is None or blind is None:
            return None
        return Answers(correct.draws, correct.items, correct.values_DI - _guessed(cell, task, k, correct, blind))

    return read


def _guessed(cell: CellResult, task: str, k: int, asked: Answers, blind: float) -> Array | float:
    """Where the strongest blind guess is right, shape (D, I); its accuracy if it names no label, or looks elsewhere."""
    known = group(cell, task, k, "gold", gold)
    if known is None or (known.draws, known.items) != (asked.draws, asked.items):
        return blind
    shown = {each.draw: each.demo_labels for each in _groups(cell, task, k, "gold")}
    labels = [shown[draw] for draw in known.draws]
    guesses = [[Counter(known.values_DI.ravel().tolist()).most_common(1)[0][0]] * len(labels)]
    if all(labels):
        guesses += [[each[-1] for each in labels], [commonest(each) for each in labels]]
    hits = [known.values_DI == np.array(guess, np.float64)[:, None] for guess in guesses]
    best = max(hits, key=lambda each: float(each.mean()))
    return best.astype(np.float64) if abs(float(best.mean()) - blind) < 1e-6 else blind


def _difference(one: Answers | None, other: Answers | None) -> Answers | None:
    return one.minus(other) if one and other else None


def group(cell: CellResult, task: str, k: int, condition: str, number: Number) -> Answers | None:
    """One number of every answer under a condition, on the items that were asked under all draws."""
    draws = {each.draw: _by_item(each, number) for each in _groups(cell, task, k, condition) if each.scores}
    items = sorted(set.intersection(*(set(asked) for asked in draws.values()))) if draws else []
    if not items:
        return None
    values = np.array([[draws[draw][item] for item in items] for draw in sorted(draws)], np.float64)
    groups = cell.item_groups.get(task, {})
    if groups:
        items, values = grouped([groups.get(item, item) for item in items], values)
    return Answers(tuple(sorted(draws)), tuple(items), values)


def grouped(groups_I: Sequence[str], values_DI: Array) -> tuple[list[str], Array]:
    """What each group of items adds to the mean over items, shape (draws, groups): groups are the items then.

    A group's part is its sum, linearised so that the mean over groups is the mean over items, whatever the groups' sizes (the ratio
    estimator of Cochran 1977, Sampling Techniques, section 6.4). It is linear in the values, so differences of parts are parts of
    differences.
    """
    names, which_I = np.unique(np.array(groups_I), return_inverse=True)
    sizes_G = np.bincount(which_I).astype(np.float64)
    sums_DG = np.stack([np.bincount(which_I, row, len(names)) for row in values_DI])
    scale = len(names) / len(groups_I)
    return names.tolist(), scale * sums_DG + values_DI.mean(1, keepdims=True) * (1 - scale * sizes_G)


def _groups(cell: CellResult, task: str, k: int, condition: str) -> list[GroupAnswers]:
    """All draws of a condition."""
    asked = cell.answers[task].groups if task in cell.answers else ()
    return [each for each in asked if each.k == k and each.condition == condition]


def _by_item(each: GroupAnswers, number: Number) -> dict[str, float]:
    found = {score.id: number(score) for score in each.scores}
    if not all(MIRRORED.fullmatch(item) for item in found):
        return found
    maps = [item[:-2] for item in found if item.endswith(".0") and f"{item[:-2]}.1" in found]
    return {name: (found[f"{name}.0"] + found[f"{name}.1"]) / 2 for name in maps} or found
