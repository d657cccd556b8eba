"""Synergy: is a mixture of two sources better than the better of the two alone?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

from ablations.core.results.readings import Better
from ablations.report.contents import TrainedArm
from ablations.report.values import Values
from curation.dashboard.numbers import mean, plural

MATRICES = 6  # measures shown
SOURCES = 12  # rows of a matrix
_BETTER, _WORSE = "0, 115, 79", "184, 74, 0"  # of the outcome badges, as red, green and blue


@dataclass(frozen=True)
class Square:
    """One mixture: how much better it is than the best part alone; `paint`: a colour of CSS, the stronger the larger."""

    arm: str
    gain: float
    seeds: int
    paint: str


@dataclass(frozen=True)
class Matrix:
    """`alone`: source -> its own value; `squares`: (row, column) -> mixtures of the two, the more even ones first."""

    title: str
    unit: str
    size: str
    sources: list[str]
    alone: dict[str, float | None]
    squares: dict[tuple[str, str], list[Square]]
    headline: str


def matrices(values: Values, arms: Sequence[TrainedArm]) -> list[Matrix]:
    """One matrix a primary measure and a size; empty where no mixture was trained as well as both its parts."""
    groups = [group for group in _groups(arms) if _pairs(group)]
    found = (_matrix(values, measure, group) for measure in values.primary() for group in groups)
    return [matrix for matrix in found if matrix]


def _groups(arms: Sequence[TrainedArm]) -> list[list[TrainedArm]]:
    """Real arms of the same size, model and budget."""
    found: dict[str, list[TrainedArm]] = {}
    for arm in arms:
        if not arm.control:
            key = json.dumps([arm.fraction, asdict(arm.model), arm.tokens], sort_keys=True)
            found.setdefault(key, []).append(arm)
    return list(found.values())


def _singles(group: Sequence[TrainedArm]) -> dict[str, str]:
    """Source -> the arm that was trained on it alone, the first one where there are several."""
    found: dict[str, str] = {}
    for arm in group:
        if len(arm.mixture) == 1:
            found.setdefault(next(iter(arm.mixture)), arm.arm)
    return found


def _pairs(group: Sequence[TrainedArm]) -> list[TrainedArm]:
    singles = _singles(group)
    return [arm for arm in group if len(arm.mixture) == 2 and set(arm.mixture) <= set(singles)]


def _matrix(values: Values, measure: str, group: Sequence[TrainedArm]) -> Matrix | None:
    singles, better = _singles(group), values.better(measure)
    gains = {arm.arm: _gain(values, measure, arm, singles, better) for arm in _pairs(group)}
    known = {arm: gain for arm, gain in gains.items() if gain}
    if better is None or not known:
        return None
    most = max(abs(mean(gain) or 0) for gain in known.values())
    pairs = [arm for arm in _pairs(group) if arm.arm in known]
    sources = [s for s in singles if any(s in arm.mixture for arm in pairs)][:SOURCES]
    squares: dict[tuple[str, str], list[Square]] = {pair: [] for pair in combinations(sources, 2)}
    for arm in sorted(pairs, key=_unevenness):
        place = next((pair for pair in squares if set(pair) == set(arm.mixture)), None)
        if place:
            squares[place].append(_square(arm.arm, known[arm.arm], most))
    above = sum((mean(gain) or 0) > 0 for gain in known.values())
    headline = f"{above} of {plural(len(known), 'mixture')} lie above the better of their two parts on average"
    alone = {source: values.mean(singles[source], measure) for source in sources}
    return Matrix(values.title(measure), values.unit(measure), group[0].arm, sources, alone, squares, headline)


def _gain(values: Values, measure: str, arm: TrainedArm, singles: dict[str, str], better: Better) -> list[float]:
    """The mixture less its best part, one number a seed that all three have; positive is better, whatever the measure."""
    sign = -1 if better == "lower" else 1
    mine = values.of(arm.arm, measure)
    parts = [values.of(singles[source], measure) for source in arm.mixture]
    seeds = [seed for seed in mine if all(seed in part for part in parts)]
    against = [[sign * (mine[seed] - part[seed]) for seed in seeds] for part in parts]
    return min(against, key=lambda gains: mean(gains) or 0.0)


def _unevenness(arm: TrainedArm) -> float:
    first, second = (weight or 0 for weight in arm.mixture.values())
    return abs(first - second) / ((first + second) or 1)


def _square(arm: str, gains: list[float], most: float) -> Square:
    gain = mean(gains) or 0.0
    strength = 0.45 * abs(gain) / most if most else 0.0
    return Square(arm, gain, len(gains), f"rgba({_BETTER if gain > 0 else _WORSE}, {strength:.2f})")
