"""What statistics need of a finished cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ablations.core.results.answers import TaskAnswers
from ablations.core.results.readings import Reading
from ablations.statistics.onset import Onset


@dataclass(frozen=True)
class CellResult:
    """What statistics need of a finished cell.

    Attributes:
        cell: its folder's name.
        readings: final readings by name, those without a value too.
        items: reading -> ids and values of what it is the mean of, such as documents.
        answers: task -> the model's answers at the end.
        curves: reading -> (training tokens, value) along the way, in order.
        onsets: of the readings that have one.
        details: metric -> further values to look up.
        training: the cell's training.json.
        item_groups: task -> item id -> what it asks about, where several items ask about one thing.
        curve_details: metric -> (training tokens, further values to look up) along the way, in order.
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
    items: Mapping[str, tuple[Sequence[str], Sequence[float]]] = field(default_factory=dict)
    curve_details: Mapping[str, Sequence[tuple[int, Mapping[str, Any]]]] = field(default_factory=dict)
    item_groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @cached_property
    def values(self) -> dict[str, float]:
        """Reading -> value, of those that were measured."""
        return {name: each.value for name, each in self.readings.items() if each.value is not None}
