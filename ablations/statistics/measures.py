"""What was measured in a study, by measure, arm and seed: the one look-up that statistics and the page share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ablations.core.results.readings import (
    FEW_SHOT,
    GAIN,
    GAIN_WORDS,
    STANDARD_ERROR,
    Better,
    Name,
    Reading,
    shots_words,
)
from ablations.statistics.answers import Answers
from ablations.statistics.cell_result import CellResult


@dataclass(frozen=True)
class Measure:
    """A reading (see `ablations.core.results.readings.Reading`) across cells, and its values: arm -> seed -> value.

    An arm without this measure is left out. `measure`: its full name. `n`: how many of what one value is based on, where it is
    the same in all cells. `errors`: arm -> seed -> standard error of the value over its items, where it has one.
    """

    measure: str
    metric: str
    reading: str
    source: str
    task: str
    k: int | None
    condition: str
    of: str
    unit: str
    better: Better
    words: str
    short: str
    moves: str
    n: Mapping[str, int]
    arms: Mapping[str, Mapping[int, float | None]]
    errors: Mapping[str, Mapping[int, float | None]] = field(default_factory=dict)

    @property
    def is_error(self) -> bool:
        """Whether it is the standard error of another measure."""
        return self.reading.rpartition(".")[2] == STANDARD_ERROR

    @classmethod
    def about(cls, reading: Reading, n: Mapping[str, int], arms: Mapping[str, Mapping[int, float | None]]) -> Measure:
        shared = ("metric", "reading", "source", "task", "k", "condition", "of", "unit", "better", "words", "moves")
        same = {name: getattr(reading, name) for name in shared}
        return cls(measure=reading.name, **same, short=reading.short or reading.words, n=n, arms=arms)


class Measures:
    """Look-up of what was measured; an arm or measure that is not known has no values.

    Attributes:
        rows: full name -> what it is and its values.
        cells: the finished cells of the rows, for their single answers; empty where only the rows are known.
        answers: of (cell, measure), read once.
    """

    def __init__(self, rows: Iterable[Measure], cells: Sequence[CellResult] = ()) -> None:
        self.rows = {row.measure: row for row in rows}
        self.cells = cells
        self.answers: dict[tuple[str, str], Answers | None] = {}

    @classmethod
    def of_cells(cls, cells: Iterable[CellResult]) -> Measures:
        """Every reading that has a value in some cell."""
        ordered = sorted(cells, key=lambda cell: (cell.arm, cell.seed))
        return cls(_rows(ordered), ordered)

    def arms(self) -> list[str]:
        """Arms with a finished cell, sorted."""
        return sorted({cell.arm for cell in self.cells})

    def cells_of(self, arm: str) -> list[CellResult]:
        """Finished cells of an arm, by seed."""
        return [cell for cell in self.cells if cell.arm == arm]

    def evidence(self, arms: Iterable[str]) -> list[str]:
        """Names of the cells that a statement about these arms is based on."""
        wanted = set(arms)
        return [cell.cell for cell in self.cells if cell.arm in wanted]

    def of(self, arm: str, measure: str) -> dict[int, float]:
        """Seed -> value; only seeds that have the measure."""
        seeds = self.rows[measure].arms.get(arm, {}) if measure in self.rows else {}
        return {seed: value for seed, value in seeds.items() if value is not None}

    def mean(self, arm: str, measure: str) -> float | None:
        values = self.of(arm, measure).values()
        return sum(values) / len(values) if values else None

    def names(self) -> list[str]:
        """All measures, sorted."""
        return sorted(self.rows)

    def unit(self, measure: str) -> str:
        """The reading's unit; empty if it was not measured."""
        return self.rows[measure].unit if measure in self.rows else ""

    def better(self, measure: str) -> Better:
        """Which side of a measure is better, from its reading."""
        return self.rows[measure].better if measure in self.rows else None

    def is_smooth(self, measure: str) -> bool:
        """Whether every run is near the mean of runs, so that few of them can show an effect to be small."""
        return measure in self.rows and self.rows[measure].moves == "smoothly"

    def title(self, measure: str) -> str:
        """The reading's words; those of its name if it was not measured."""
        return self.rows[measure].words if measure in self.rows else words_of_name(measure)

    def find(self, metric: str, reading: str = "", **fields: Any) -> list[str]:
        """Names of the measures of a reading, about no other reading.

        Args:
            fields: what else they must have: `source`, `task`, `k`, `condition`.
        """
        wanted = {"metric": metric, "reading": reading, "of": "", **fields}.items()
        return [name for name, row in self.rows.items() if all(getattr(row, key) == value for key, value in wanted)]

    def shots(self, task: str, k: int, condition: str, reading: str) -> str:
        """Name of a few-shot measure; empty where it was not measured."""
        return next(iter(self.find(FEW_SHOT, reading, task=task, k=k, condition=condition)), "")

    def gains(self) -> dict[str, Measure]:
        """Task -> its measure of what permuted labels cost, at the largest k."""
        rows = [self.rows[name] for name in self.find(FEW_SHOT, GAIN)]
        largest = {row.task: row for row in sorted(rows, key=lambda row: row.k or 0)}
        return {task: largest[task] for task in dict.fromkeys(row.task for row in rows)}

    def largest_k(self) -> dict[str, int]:
        """Task -> the largest k at which permuted labels were tried."""
        return {task: row.k or 0 for task, row in self.gains().items()}


def _rows(cells: Sequence[CellResult]) -> list[Measure]:
    """A measure without values, from the first cell that has it."""
    having: dict[str, list[CellResult]] = {}
    for cell in reversed(cells):
        for name in cell.values:
            having.setdefault(name, []).insert(0, cell)
    return [_row(name, own) for name, own in having.items()]


def _row(name: str, cells: Sequence[CellResult]) -> Measure:
    arms: dict[str, dict[int, float | None]] = {}
    for cell in cells:
        arms.setdefault(cell.arm, {})[cell.seed] = cell.values[name]
    return Measure.about(cells[0].readings[name], _common([cell.readings[name].n for cell in cells]), arms)


def _common(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Those that are the same in all cells."""
    first, *others = counts
    return {what: n for what, n in first.items() if all(other.get(what) == n for other in others)}


def words_of_name(measure: str) -> str:
    """'few_shot.nsmc.k4.permuted_minus_gold' -> 'what permuted labels cost in nsmc, k = 4'; other names stay as they are."""
    name = Name.parse(measure)
    if name.k is None:
        return measure
    words = GAIN_WORDS if name.reading == GAIN else name.reading.replace("_", " ")
    return f"{words} {shots_words(name.task, name.k, name.condition)}"
