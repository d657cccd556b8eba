"""Final measures of a study's cells, by arm and seed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from ablations.core.results.readings import GAIN, Better, Reading
from ablations.statistics.answers import Answers
from ablations.statistics.cell_result import CellResult


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
