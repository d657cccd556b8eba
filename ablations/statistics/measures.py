"""Final measures of a study's cells, by arm and seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ablations.core.answers import TaskAnswers
from ablations.core.readings import GAIN, Better, Reading
from ablations.statistics.onset import Onset

if TYPE_CHECKING:
    from ablations.statistics.contrast import Answers


@dataclass(frozen=True)
class CellResult:
    """What statistics need of a finished cell.

    Attributes:
        cell: its folder's name.
        readings: final readings by name, those without a value too.
        answers: task -> what the model said at the end.
        curves: reading -> (training tokens, value) along the way, in order.
        onsets: of the readings that have one.
        details: metric -> what it kept for looking things up.
        training: the cell's training.json.
        counts: task -> what happened when its items were made.
    """

    cell: str
    arm: str
    seed: int
    readings: Mapping[str, Reading]
    answers: Mapping[str, TaskAnswers] = field(default_factory=dict)
    curves: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    onsets: Mapping[str, Onset] = field(default_factory=dict)
    details: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @cached_property
    def values(self) -> dict[str, float]:
        """Reading -> value, of those that were measured."""
        return {name: each.value for name, each in self.readings.items() if each.value is not None}


class Measures:
    """Look-up of values by arm, seed and measure."""

    def __init__(self, cells: Iterable[CellResult]) -> None:
        self.cells = sorted(cells, key=lambda cell: (cell.arm, cell.seed))
        self.answers: dict[tuple[str, str], Answers | None] = {}  # of (cell, measure), read once

    @cached_property
    def readings(self) -> dict[str, Reading]:
        """Name -> a reading of that name that has a value, for what it is."""
        return {
            name: each
            for cell in reversed(self.cells)
            for name, each in cell.readings.items()
            if each.value is not None
        }

    def arms(self) -> list[str]:
        """Arms with a finished cell, sorted."""
        return sorted({cell.arm for cell in self.cells})

    def cells_of(self, arm: str) -> list[CellResult]:
        """Finished cells of an arm, by seed."""
        return [cell for cell in self.cells if cell.arm == arm]

    def of(self, arm: str, measure: str) -> dict[int, float]:
        """Seed -> value; only seeds whose cell is finished and has the measure."""
        return {c.seed: c.values[measure] for c in self.cells if c.arm == arm and measure in c.values}

    def names(self) -> list[str]:
        """All measures, sorted."""
        return sorted(self.readings)

    def evidence(self, arms: Iterable[str]) -> list[str]:
        """Names of the cells that a statement about these arms rests on."""
        wanted = set(arms)
        return [cell.cell for cell in self.cells if cell.arm in wanted]

    def unit(self, measure: str) -> str:
        """As the reading says; empty for one that nobody measured."""
        return self.readings[measure].unit if measure in self.readings else ""

    def better(self, measure: str) -> Better:
        """Which side of a measure is better, as the reading says."""
        return self.readings[measure].better if measure in self.readings else None

    def largest_k(self) -> dict[str, int]:
        """Task -> the largest k at which permuted labels were tried."""
        largest: dict[str, int] = {}
        for each in self.readings.values():
            if each.reading == GAIN and each.k is not None and not each.of:
                largest[each.task] = max(each.k, largest.get(each.task, 0))
        return largest
