"""Final measures of a study's cells, by arm and seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

UNITS = {"accuracy": "share of items", ".nll": "nats", "_minus_gold": "nats"}


@dataclass(frozen=True)
class CellResult:
    """What statistics need of a finished cell.

    Attributes:
        cell: its folder's name.
        values: measure (such as `bits_per_byte.code`) -> value.
        result: the whole result.json.
    """

    cell: str
    arm: str
    seed: int
    values: Mapping[str, float]
    result: Mapping[str, Any] = field(default_factory=dict)


def values_of(result: Mapping[str, Any]) -> dict[str, float]:
    """Every final number of a result.json by its full name."""
    return {
        f"{metric}.{name}": float(value)
        for metric, reading in result["final"].items()
        for name, value in reading["values"].items()
    }


class Measures:
    """Look-up of values by arm, seed and measure."""

    def __init__(self, cells: Iterable[CellResult]) -> None:
        self.cells = sorted(cells, key=lambda cell: (cell.arm, cell.seed))

    def of(self, arm: str, measure: str) -> dict[int, float]:
        """Seed -> value; only seeds whose cell is finished and has the measure."""
        return {c.seed: c.values[measure] for c in self.cells if c.arm == arm and measure in c.values}

    def names(self) -> list[str]:
        """All measures, sorted."""
        return sorted({name for cell in self.cells for name in cell.values})

    def evidence(self, arms: Iterable[str]) -> list[str]:
        """Names of the cells that a statement about these arms rests on."""
        wanted = set(arms)
        return [cell.cell for cell in self.cells if cell.arm in wanted]

    def unit(self, measure: str) -> str:
        """The unit of a reading: that of its metric, unless its name says another one."""
        for ending, unit in UNITS.items():
            if measure.endswith(ending):
                return unit
        metric = measure.split(".")[0]
        units = (cell.result["final"][metric]["unit"] for cell in self.cells if metric in cell.result.get("final", {}))
        return str(next(units, ""))

    def lower_is_better(self, measure: str) -> bool:
        """The direction that the metric states; differences that cost nats are better when higher."""
        if measure.endswith(("_minus_gold", ".accuracy", ".first_minus_second")):
            return False
        metric = measure.split(".")[0]
        for cell in self.cells:
            reading = cell.result.get("final", {}).get(metric)
            if reading:
                return bool(reading["lower_is_better"])
        return True
