"""What a metric is: a model and a cell's evaluation data in, named numbers out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ablations.core.evaluation import EvaluationData
from ablations.core.model import Model
from curation.runtime.registry import Registry


@dataclass(frozen=True)
class Reading:
    """What a metric found: `values` by name, `n` behind them, and `details` for statistics (JSON, full floats).

    A value that could not be measured is absent and its n is 0, never NaN.
    """

    values: Mapping[str, float]
    n: Mapping[str, int] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


class Metric(ABC):
    """One sort of measurement. Its docstring's first line says what the number is and what its sign means."""

    kind: ClassVar[str]
    version: ClassVar[int]  # raise it when a number changes: old results then stop being comparable
    unit: ClassVar[str]
    lower_is_better: ClassVar[bool]
    in_curve: ClassVar[bool]  # measured at every evaluation too, on fewer items

    @abstractmethod
    def measure(self, model: Model, data: EvaluationData) -> Reading:
        """Measure once. Nothing but the model and the data enters; no gradients are kept."""

    def onset_thresholds(self, values: Mapping[str, float]) -> dict[str, float]:
        """Of the readings that leave a baseline during training: name -> the level that counts as having left it."""
        return {}


METRICS: Registry[Metric] = Registry("ablations.core.metrics", "Metric", "loam.metrics", "metric")
