"""The states of a study's cells, to print or to pass on as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ablations.cells.cell_states import DIVERGED, TO_MEASURE, CellState
from curation.runtime.command_line.command import table


@dataclass(frozen=True)
class CellStanding:
    """One cell; `state` and `note` are those of its `CellState`."""

    cell: str
    state: str
    note: str


@dataclass(frozen=True)
class Standing:
    """All cells of a study. `trained` counts those `to_measure` and `diverged` too."""

    cells: Sequence[CellStanding]
    trained: int
    to_measure: int
    diverged: int

    @classmethod
    def of(cls, states: Sequence[CellState]) -> Standing:
        cells = tuple(CellStanding(state.plan.name, state.state, state.note) for state in states)
        to_measure = sum(state.state == TO_MEASURE for state in states)
        diverged = sum(state.state == DIVERGED for state in states)
        return cls(cells, sum(state.trained for state in states), to_measure, diverged)

    @property
    def summary(self) -> str:
        """'16 of 16 trained, 3 to measure'."""
        more = f", {self.to_measure} to measure" if self.to_measure else ""
        lost = f", {self.diverged} of them diverged" if self.diverged else ""
        return f"{self.trained} of {len(self.cells)} trained{lost}{more}"

    @property
    def table(self) -> str:
        return table(("cell", "state", "note"), [(each.cell, each.state, each.note) for each in self.cells])
