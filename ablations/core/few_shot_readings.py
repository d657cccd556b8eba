"""Numbers from the scores of a task's groups. Names and meanings stand in `metrics/few_shot.py`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from ablations.core.asking import Asked
from ablations.core.blind import blind_accuracies, blind_label_score, only_commonest
from ablations.core.items import CONTENT_FREE, NOT_ASKED, UNCONDITIONAL, Group, TaskItems
from ablations.core.label_f1 import LABEL_SCORES
from ablations.core.scores import (
    Score,
    calibrated,
    content_free_shares,
    likeliest,
    mutual_information,
    per_byte,
    per_token,
)

Normalised = Callable[[Group, Score], Sequence[float] | None]


@dataclass
class Found:
    """Readings by name, and how many answers stand behind them. What could not be measured has an n of 0 and no value."""

    values: dict[str, float] = field(default_factory=dict)
    n: dict[str, int] = field(default_factory=dict)

    def mean(self, name: str, each: Sequence[float]) -> None:
        """The mean of what was measured, with its own n."""
        self.n[name] = len(each)
        if each:
            self.values[name] = fmean(each)


class TaskReadings:
    """Of one task: its groups by k and condition, and what is made of them."""

    def __init__(self, task: TaskItems, asked: Sequence[Asked]) -> None:
        self.task, self.asked = task, asked
        self.groups: defaultdict[tuple[int, str], list[Asked]] = defaultdict(list)
        for each in asked:
            if each.group.condition not in NOT_ASKED:
                self.groups[each.group.k, each.group.condition].append(each)
        self.has_choices = task.generation is None

    def all(self) -> Found:
        found = Found()
        for k, condition in self.groups:
            self._level(k, condition, found)
        for k in sorted({k for k, _ in self.groups}):
            self._permuted_minus_gold(k, found)
            if self.has_choices and self._scored(k, "gold"):
                self._normalised(k, found)
                self._blind(k, found)
                self._bias(k, found)
        return found

    def _name(self, k: int, *rest: str) -> str:
        return ".".join([self.task.task, f"k{k}", *rest])

    def _scored(self, k: int, condition: str) -> list[tuple[Group, Sequence[Score]]]:
        """Groups of which some item was scored."""
        return [(each.group, each.scores) for each in self.groups.get((k, condition), ()) if each.scores]

    def _level(self, k: int, condition: str, found: Found) -> None:
        groups = self._scored(k, condition)
        scores = [score for _, each in groups for score in each]
        name = self._name(k, condition)
        found.n[name] = len(scores)
        if not scores:
            return
        found.values[f"{name}.nll"] = fmean(score.gold_nll for score in scores)
        if all(per_byte(score) for score in scores):
            found.values[f"{name}.nll_per_byte"] = fmean(s.gold_nll / s.bytes[s.gold] for s in scores)
        if self.has_choices:
            found.values[f"{name}.accuracy"] = fmean(score.correct for score in scores)
            if all(len(score.choices) > 1 for score in scores):
                found.values[f"{name}.margin"] = fmean(score.margin for score in scores)
            for metric in self._label_metrics():
                pairs = (([s.gold for s in each], [s.predicted for s in each]) for _, each in groups)
                found.values[f"{name}.{metric}"] = fmean(LABEL_SCORES[metric](*pair) for pair in pairs)

    def _label_metrics(self) -> list[str]:
        return [metric for metric in self.task.metrics if metric in LABEL_SCORES]

    def _permuted_minus_gold(self, k: int, found: Found) -> None:
        """Over the draws and items that have both."""
        if (k, "permuted") not in self.groups:
            return
        gold, permuted = (
            {(group.draw, score.id): score.gold_nll for group, scores in self._scored(k, condition) for score in scores}
            for condition in ("gold", "permuted")
        )
        each = [permuted[pair] - gold[pair] for pair in permuted if pair in gold]
        found.mean(self._name(k, "permuted_minus_gold"), each)

    def _normalised(self, k: int, found: Found) -> None:
        for ending, normalised in self._normalisations(k):
            each = []
            for group, scores in self._scored(k, "gold"):
                made = [(normalised(group, score), score.gold) for score in scores]
                each += [float(likeliest(values) == gold) for values, gold in made if values is not None]
            found.mean(self._name(k, "gold", ending), each)

    def _normalisations(self, k: int) -> Iterator[tuple[str, Normalised]]:
        """Those for which the task has what they need."""
        yield "accuracy_per_token", lambda _, score: per_token(score)
        if any(score.bytes for _, scores in self._scored(k, "gold") for score in scores):
            yield "accuracy_per_byte", lambda _, score: per_byte(score)
        conditions = {each.group.condition for each in self.asked}
        if UNCONDITIONAL in conditions:
            alone = {score.id: score for each in self._correcting(UNCONDITIONAL) for score in each.scores}
            yield "accuracy_pmi", lambda _, score: mutual_information(score, alone)
        if CONTENT_FREE in conditions:
            shares = {
                each.group.draw: content_free_shares(each.scores)
                for each in self._correcting(CONTENT_FREE)
                if each.group.k == k
            }
            yield "accuracy_calibrated", lambda group, score: calibrated(score, shares.get(group.draw, ()))

    def _correcting(self, condition: str) -> list[Asked]:
        return [each for each in self.asked if each.group.condition == condition]

    def _blind(self, k: int, found: Found) -> None:
        groups = self._scored(k, "gold")
        gold, shown = [[s.gold for s in scores] for _, scores in groups], [group.demo_labels for group, _ in groups]
        accuracies = blind_accuracies(gold, shown)
        found.values[self._name(k, "blind_accuracy")] = max(accuracies.values())
        found.values |= {self._name(k, "blind", name): value for name, value in accuracies.items()}
        for metric in self._label_metrics():
            found.values[self._name(k, f"blind_{metric}")] = blind_label_score(metric, gold, shown)

    def _bias(self, k: int, found: Found) -> None:
        """Only where a number of a choice means the same label for all items."""
        groups = [(group.demo_labels, scores) for group, scores in self._scored(k, "gold") if group.demo_labels]
        if not self.task.labels or not groups:
            return
        favoured: dict[str, list[tuple[int | None, Sequence[Score]]]] = {
            "majority_label": [(only_commonest(shown), scores) for shown, scores in groups],
            "recency": [(shown[-1], scores) for shown, scores in groups],
        }
        for name, pairs in favoured.items():
            each = [excess(label, score) for label, scores in pairs if label is not None for score in scores]
            found.mean(self._name(k, "bias", name), each)


def excess(label: int, score: Score) -> float:
    """Share of the prediction that is the label, less one where it is right; a prediction is shared by equals."""
    best = max(score.choices)
    return (score.choices[label] == best) / score.choices.count(best) - (score.gold == label)


def details_of(task: TaskItems, asked: Sequence[Asked]) -> dict[str, object]:
    """Every answer, for statistics over draws and items and for looking things up."""
    groups = [_group_details(each, task) for each in asked if each.group.condition not in NOT_ASKED]
    return {"version": task.version, "counts": task.counts, "groups": groups}


def _group_details(asked: Asked, task: TaskItems) -> Mapping[str, object]:
    group, scores = asked.group, asked.scores
    made: dict[str, object] = {
        "k": group.k,
        "condition": group.condition,
        "draw": group.draw,
        "ids": [score.id for score in scores],
        "gold_nll": [score.gold_nll for score in scores],
    }
    if task.generation is None:
        made["correct"] = [int(score.correct) for score in scores]
        made["gold"] = [score.gold for score in scores]
        made["predicted"] = [score.predicted for score in scores]
        made["demo_labels"] = list(group.demo_labels)
    if asked.written is not None:
        made["generated"] = [list(answer) for answer in asked.written]
    if group.candidate is not None:
        made["candidate"] = group.candidate
    return made
