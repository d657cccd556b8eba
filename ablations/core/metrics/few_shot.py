"""Few-shot tasks: a model's answers after demonstrations. The answers are stored; every number is computed from them later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.metrics.base import Measured, Metric, Scope
from ablations.core.model.model import Model
from ablations.core.results.readings import GAIN, Better, Reading
from ablations.core.scoring.asking import answers_of

ONSET_NATS = 0.5


class FewShot(Metric):
    """The log-probability of every choice of every item, per task, k and condition, and what was written.

    `ablations/readings/few_shot.py` defines the readings that are computed from them.
    """

    kind: ClassVar[str] = "few_shot"
    version: ClassVar[int] = 3
    unit: ClassVar[str] = "nats"
    better: ClassVar[Better] = "lower"
    in_curve: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("task",)
    reads: ClassVar[frozenset[str]] = frozenset({"items"})

    def measure(self, model: Model, data: EvaluationData) -> Measured:
        (task,) = data.tasks
        return Measured(answers={"": answers_of(model, task, data)})

    @classmethod
    def is_tokenizer_free(cls, reading: str) -> bool:
        """Which answers are right; what they cost in nats depends on the pieces."""
        return reading == "accuracy"

    def onset_threshold(self, reading: Reading, final: Mapping[str, Reading]) -> float | None:
        """Of a task the difference at its largest k."""
        if reading.reading != GAIN:
            return None
        largest = max(each.k or 0 for each in final.values() if each.task == reading.task and each.reading == GAIN)
        return ONSET_NATS if reading.k == largest else None
