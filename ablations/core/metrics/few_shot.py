"""Few-shot tasks: what demonstrations do to the answer, and whether their labels matter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import ClassVar

from ablations.core.blind import blind_accuracy
from ablations.core.evaluation import EvaluationData
from ablations.core.items import Group, TaskItems
from ablations.core.metrics.base import Metric, Reading
from ablations.core.model import Model
from ablations.core.scoring import Score, score_group

ONSET_NATS = 0.5
Scored = Sequence[tuple[Group, list[Score]]]


class FewShot(Metric):
    """Negative log-likelihood of the gold answer and accuracy, per task, k and condition; lower nats are better.

    `<task>.k<k>.<condition>.nll` and `.accuracy` are means over draws and items, `<task>.k<k>.blind_accuracy` is what the
    strongest blind guesser gets on the same items. `<task>.k<k>.permuted_minus_gold` is
    the nats that the gold answer loses when the demonstrations' labels are permuted, on the same draws and items:
    positive when a model uses which label belongs to what, zero when it only uses which labels there are.
    """

    kind: ClassVar[str] = "few_shot"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "nats per answer (accuracy: share of items)"
    lower_is_better: ClassVar[bool] = True
    in_curve: ClassVar[bool] = True

    def measure(self, model: Model, data: EvaluationData) -> Reading:
        values: dict[str, float] = {}
        n: dict[str, int] = {}
        details = {}
        for task in data.tasks:
            scored = [(group, score_group(model, group, data.items_of(group), data.batch)) for group in task.groups]
            levels, counts = _levels(task.task, scored)
            differences, pairs = _differences(task.task, scored)
            values |= levels | differences | _blind(task.task, scored)
            n |= counts | pairs
            details[task.task] = _details(task, scored)
        return Reading(values, n, details)

    def onset_thresholds(self, values: Mapping[str, float]) -> dict[str, float]:
        """Of each task, the difference at its largest k."""
        largest: dict[str, int] = {}
        for name in values:
            if name.endswith(".permuted_minus_gold"):
                task, k = name.removesuffix(".permuted_minus_gold").rsplit(".k", 1)
                largest[task] = max(int(k), largest.get(task, 0))
        return {f"{task}.k{k}.permuted_minus_gold": ONSET_NATS for task, k in largest.items()}


def _levels(task: str, scored: Scored) -> tuple[dict[str, float], dict[str, int]]:
    """Mean loss and accuracy of each k and condition, over all draws and items."""
    together: defaultdict[str, list[Score]] = defaultdict(list)
    for group, scores in scored:
        together[f"{task}.k{group.k}.{group.condition}"] += scores
    values = {f"{name}.nll": fmean(s.gold_nll for s in scores) for name, scores in together.items() if scores}
    values |= {f"{name}.accuracy": fmean(s.correct for s in scores) for name, scores in together.items() if scores}
    return values, {name: len(scores) for name, scores in together.items()}


def _blind(task: str, scored: Scored) -> dict[str, float]:
    """Of each k, the strongest baseline on the items asked with gold demonstrations."""
    values: dict[str, float] = {}
    for k in sorted({group.k for group, scores in scored if group.condition == "gold" and scores}):
        asked = [(group, scores) for group, scores in scored if group.k == k and group.condition == "gold" and scores]
        gold = [[score.gold for score in scores] for _, scores in asked]
        values[f"{task}.k{k}.blind_accuracy"] = blind_accuracy(gold, [group.demo_labels for group, _ in asked])
    return values


def _differences(task: str, scored: Scored) -> tuple[dict[str, float], dict[str, int]]:
    """Permuted minus gold, over the draws and items that have both."""
    nll: defaultdict[tuple[int, str], dict[tuple[int, str], float]] = defaultdict(dict)
    for group, scores in scored:
        nll[group.k, group.condition] |= {(group.draw, s.id): s.gold_nll for s in scores}
    values: dict[str, float] = {}
    n: dict[str, int] = {}
    for k in sorted({k for k, condition in nll if condition == "permuted"}):
        gold, permuted = nll[k, "gold"], nll[k, "permuted"]
        each = [permuted[pair] - gold[pair] for pair in permuted if pair in gold]
        name = f"{task}.k{k}.permuted_minus_gold"
        n[name] = len(each)
        if each:
            values[name] = fmean(each)
    return values, n


def _details(task: TaskItems, scored: Scored) -> dict[str, object]:
    """Every answer, for statistics over draws and items."""
    groups = [
        {
            "k": group.k,
            "condition": group.condition,
            "draw": group.draw,
            "ids": [score.id for score in scores],
            "gold_nll": [score.gold_nll for score in scores],
            "correct": [int(score.correct) for score in scores],
            "gold": [score.gold for score in scores],
        }
        for group, scores in scored
    ]
    return {"version": task.version, "counts": task.counts, "groups": groups}
