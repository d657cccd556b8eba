"""The interface of a metric: a model and a cell's evaluation data in, readings and answers out."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.model.model import Model
from ablations.core.results.answers import TaskAnswers
from ablations.core.results.readings import STANDARD_ERROR, Better, Reading

Scope = Literal["cell", "task"]
ITEM_DIGITS = 7


@dataclass(frozen=True)
class Items:
    """One value for each item that a reading is the mean of, such as a document: the items of intervals and of comparisons.

    `ids` are the same in every cell; values are rounded to `ITEM_DIGITS` significant digits.
    """

    ids: Sequence[str]
    values: Sequence[float]

    @classmethod
    def of_documents(cls, ids_N: NDArray[np.uint8], values_N: NDArray[np.float64]) -> Items:
        """Of documents by their 128-bit ids, shape (N, 16)."""
        digits = [float(f"{value:.{ITEM_DIGITS}g}") for value in values_N.tolist()]
        return cls([id_.tobytes().hex() for id_ in ids_N], digits)


@dataclass(frozen=True)
class Measured:
    """What a metric measured of one model.

    Attributes:
        readings: numbers with their meaning; one that could not be measured has no value and an n of 0, never NaN.
        items: name of a reading -> what it is the mean of.
        answers: the model's answers to a task's items, by what was done to the model; "" where nothing was.
        details: further values to look up (JSON, full floats).
    """

    readings: Sequence[Reading] = ()
    items: Mapping[str, Items] = field(default_factory=dict)
    answers: Mapping[str, TaskAnswers] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "readings": [reading.to_json() for reading in self.readings],
            "items": {name: {"ids": list(i.ids), "values": list(i.values)} for name, i in self.items.items()},
            "answers": {done: answers.to_json() for done, answers in self.answers.items()},
            "details": dict(self.details),
        }


class Metric(ABC):
    """One sort of measurement. The first line of its docstring defines the number and what its sign means.

    Attributes:
        unit, better, words: defaults for its readings.
        in_curve: measured at every evaluation point too, on fewer items.
        tokenizer_free: whether its numbers can be compared between cells with different tokenizers; `is_tokenizer_free` asks
            about one.
        by_source: whether every reading is of one source, `pooled` or `common`, which its name then begins with.
        scopes: whether it is measured once a cell, once for each task of it, or both.
        reads: what of the evaluation data it uses: names of fields of `EvaluationData`. Everything else is empty when it is
            measured, and is no part of its identity, so that more items of a task do not measure text again.
    """

    kind: ClassVar[str]
    version: ClassVar[int]  # for readers; what the code computes is known by its digest
    unit: ClassVar[str]
    better: ClassVar[Better]
    words: ClassVar[str] = ""
    in_curve: ClassVar[bool]
    tokenizer_free: ClassVar[bool] = False
    by_source: ClassVar[bool] = False
    scopes: ClassVar[tuple[Scope, ...]] = ("cell",)
    reads: ClassVar[frozenset[str]] = frozenset({"heldout", "windows", "sequences", "items"})

    @abstractmethod
    def measure(self, model: Model, data: EvaluationData) -> Measured:
        """Measure once. Nothing but the model and the data enters; no gradients are kept. Where it is measured for a task,
        `data.tasks` holds that one alone, and else none."""

    def reading(self, value: float | None, reading: str = "", **fields: Any) -> Reading:
        """One reading of this metric; `fields` are further fields of `Reading`."""
        words = self.words or self.kind.replace("_", " ")
        return Reading(
            self.kind, value, **{"unit": self.unit, "better": self.better, "words": words, "reading": reading, **fields}
        )

    def standard_error(self, of: Reading, error: float | None) -> list[Reading]:
        """The standard error of a reading over its items, as a reading beside it; none where it is not known."""
        if error is None:
            return []
        name = f"{of.reading}.{STANDARD_ERROR}".lstrip(".")
        return [dataclasses.replace(of, value=error, reading=name, words=f"standard error of {of.words}", better=None)]

    @classmethod
    def is_tokenizer_free(cls, reading: str) -> bool:
        """Whether one of its numbers can be compared between cells with different tokenizers."""
        return cls.tokenizer_free

    def onset_threshold(self, reading: Reading, final: Mapping[str, Reading]) -> float | None:
        """The level at which a reading counts as having left its baseline; None for one that has no onset.

        Args:
            final: all readings at the end of the curve, by name.
        """
        return None
