"""Few-shot tasks: what demonstrations do to the answer, and whether their labels matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ablations.core.asking import ask
from ablations.core.evaluation import EvaluationData
from ablations.core.few_shot_readings import TaskReadings, details_of
from ablations.core.metrics.base import Metric, Reading
from ablations.core.model import Model

ONSET_NATS = 0.5


class FewShot(Metric):
    """Negative log-likelihood of the gold answer and accuracy, per task, k and condition; lower nats are better.

    Means over draws and items, `<task>.k<k>.` before each name and c a condition that asks:

    - `c.nll`, `c.nll_per_byte`: of the gold answer, all its tokens; `c.accuracy`: the gold choice is likelier than any other;
      `c.margin`: nats by which it is likelier than the best other; `c.macro_f1`, `c.f1_positive`: mean over draws.
    - `gold.accuracy_per_token`, `_per_byte`, `_pmi`, `_calibrated`: with choices compared by their mean over tokens or bytes, by
      what the question adds to them (Holtzman et al. 2021), or by what it adds to a question without content behind the same
      demonstrations (Zhao et al. 2021).
    - `permuted_minus_gold`: nats that the gold answer loses when the demonstrations' labels are permuted, on the same draws
      and items: positive when a model uses which label belongs to what, zero when it only uses which labels there are.
    - `blind_accuracy`, `blind_macro_f1`, `blind_f1_positive`: the strongest blind guesser on the same items; `blind.majority`,
      `.prior_matched`, `.copy_last`, `.most_frequent_demo`: accuracy of each.
    - `bias.majority_label`: share of the predictions that are the demonstrations' most frequent label, less the share of items
      for which it is right (draws without a single most frequent one left out); `bias.recency`: the same for the last
      demonstration's label. Zero for a model that is always right, and for one whose answers ignore the demonstrations where
      these show the labels in turn. Source: Zhao et al. 2021, https://arxiv.org/abs/2102.09690, section 4.

    A task with written answers has the losses only; its texts are scored where the tokenizer is. What could not be measured
    is absent and has an n of 0.
    """

    kind: ClassVar[str] = "few_shot"
    version: ClassVar[int] = 2
    unit: ClassVar[str] = "nats per answer (accuracy: share of items)"
    lower_is_better: ClassVar[bool] = True
    in_curve: ClassVar[bool] = True

    def measure(self, model: Model, data: EvaluationData) -> Reading:
        values: dict[str, float] = {}
        n: dict[str, int] = {}
        details = {}
        for task in data.tasks:
            asked = ask(model, task, data)
            found = TaskReadings(task, asked).all()
            values |= found.values
            n |= found.n
            details[task.task] = details_of(task, asked)
        return Reading(values, n, details)

    def onset_thresholds(self, values: Mapping[str, float]) -> dict[str, float]:
        """Of each task, the difference at its largest k."""
        largest: dict[str, int] = {}
        for name in values:
            if name.endswith(".permuted_minus_gold"):
                task, k = name.removesuffix(".permuted_minus_gold").rsplit(".k", 1)
                largest[task] = max(int(k), largest.get(task, 0))
        return {f"{task}.k{k}.permuted_minus_gold": ONSET_NATS for task, k in largest.items()}
