"""Final measures of a study's cells, by arm and seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ablations.statistics.contrast import Answers

UNITS = {  # by the beginning of a reading's last name
    "nll_per_byte": "nats per byte",
    "nll": "nats",
    "margin": "nats",
    "permuted_minus_gold": "nats",
    "accuracy": "share of items",
    "blind_accuracy": "share of items",
    "exact_match": "share of items",
    "macro_f1": "F1, 0 to 1",
    "f1_positive": "F1, 0 to 1",
    "char_f1": "F1, 0 to 1",
    "bleu": "BLEU, 0 to 100",
    "chrf": "chrF, 0 to 100",
    "majority": "share of items",
    "prior_matched": "share of items",
    "copy_last": "share of items",
    "most_frequent_demo": "share of items",
    "blind_macro_f1": "F1, 0 to 1",
    "blind_f1_positive": "F1, 0 to 1",
    "blind_exact_match": "share of items",
    "blind_char_f1": "F1, 0 to 1",
    "blind_bleu": "BLEU, 0 to 100",
    "blind_chrf": "chrF, 0 to 100",
    "majority_label": "share of predictions",  # a bias
    "recency": "share of predictions",
}
COUNTS = {"heads.induction_heads": "heads", "head_ablation.silenced": "heads"}


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
        self.answers: dict[tuple[str, str], Answers | None] = {}  # of (cell, measure), read once

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
        return sorted({name for cell in self.cells for name in cell.values})

    def evidence(self, arms: Iterable[str]) -> list[str]:
        """Names of the cells that a statement about these arms rests on."""
        wanted = set(arms)
        return [cell.cell for cell in self.cells if cell.arm in wanted]

    def unit(self, measure: str) -> str:
        """The unit of a reading: that of its metric, unless its name says another one."""
        metric, last = measure.split(".")[0], measure.rsplit(".", 1)[-1]
        if measure in COUNTS:
            return COUNTS[measure]
        starts = [start for start in UNITS if metric == "few_shot" and last.startswith(start)]
        if starts:
            return UNITS[max(starts, key=len)]
        units = (cell.result["final"][metric]["unit"] for cell in self.cells if metric in cell.result.get("final", {}))
        return str(next(units, ""))

    def lower_is_better(self, measure: str) -> bool:
        """The direction that the metric states; differences that cost nats are better when higher."""
        if measure.endswith(("_minus_gold", ".accuracy", ".first_minus_second")):
            return False
        metric = measure.split(".")[0]
        if metric == "few_shot":  # losses and scores of answers under one roof
            return measure.rsplit(".", 1)[-1].startswith("nll")
        for cell in self.cells:
            reading = cell.result.get("final", {}).get(metric)
            if reading:
                return bool(reading["lower_is_better"])
        return True
