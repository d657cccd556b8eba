"""How often the windows of training repeat themselves: what there is to learn induction from."""

from __future__ import annotations

from typing import ClassVar

from ablations.core.data.bigram_repetition import of_mixture
from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.metrics.base import Measured, Metric
from ablations.core.model.model import Model
from ablations.core.results.readings import Better


class BigramRepetition(Metric):
    """How often a token of a training window comes again within it, and how often what followed it follows again.

    The model is not used. `ablations/core/data/bigram_repetition.py` defines the three numbers.
    """

    kind: ClassVar[str] = "bigram_repetition"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "share of bigrams"
    better: ClassVar[Better] = None
    in_curve: ClassVar[bool] = False
    reads: ClassVar[frozenset[str]] = frozenset({"training"})

    def measure(self, model: Model, data: EvaluationData) -> Measured:
        assert data.training
        spec = data.training.spec
        shares = of_mixture(data.training.opened(), data.training.total, spec.seeds.order)
        n = {"windows": shares["windows"], "bigrams": shares["bigrams"]}
        readings = {
            "frequency": (shares["frequency"], "share of training tokens that come again in their window"),
            "reliability": (shares["reliability"], "share of repeats after which the same token follows"),
            "product": (shares["product"], "share of training tokens that one look back predicts"),
        }
        return Measured([self.reading(value, name, n=n, words=words) for name, (value, words) in readings.items()])
