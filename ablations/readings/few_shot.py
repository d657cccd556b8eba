"""Every number that is computed from the stored answers to a few-shot task, with its unit, direction and words.

Means over draws and items, `few_shot.<task>.k<k>.` before each name and c a condition that asks:

- `c.nll`, `c.nll_per_byte`: of the gold answer, all its tokens; `c.accuracy`: the gold choice is likelier than any other;
  `c.margin`: nats by which it is likelier than the best other; label metrics of the task, such as `c.macro_f1`: mean over draws.
- `gold.accuracy_per_token`, `_per_byte`, `_pmi`, `_calibrated`: with choices compared by their mean over tokens or bytes, by
  what the question adds to them (Holtzman et al. 2021), or by what it adds to a question without content after the same
  demonstrations (Zhao et al. 2021).
- `permuted_minus_gold`: nats that the gold answer loses when the demonstrations' labels are permuted, on the same draws
  and items: positive when a model uses which label belongs to what, zero when it only uses which labels there are.
- `blind_accuracy`, `blind_<label metric>`, `blind_<text metric>`: the strongest blind guesser on the same items;
  `blind.majority`, `.prior_matched`, `.copy_last`, `.most_frequent_demo`: accuracy of each.
- `bias.majority_label`: share of the predictions that are the demonstrations' most frequent label, less the share of items
  for which it is right (draws without a single most frequent one left out); `bias.recency`: the same for the last
  demonstration's label. Zero for a model that is always right, and for one whose answers ignore the demonstrations where
  these show the labels in turn. Source: Zhao et al. 2021, https://arxiv.org/abs/2102.09690, section 4.
- of a task with written answers its text metrics, such as `gold.char_f1`, and the losses of the reference.

What could not be measured has no value and an n of 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from ablations.core.results.answers import (
    CONTENT_FREE,
    UNCONDITIONAL,
    GroupAnswers,
    Score,
    TaskAnswers,
    content_free_shares,
    likeliest,
)
from ablations.core.results.readings import FEW_SHOT, GAIN, GAIN_WORDS, Better, Reading, shots_words
from ablations.readings.blind import blind_accuracies, blind_label_score, only_commonest
from ablations.readings.label_metrics.base import LabelMetric
from ablations.readings.normalised import calibrated, mutual_information, per_byte, per_token
from ablations.readings.text_metrics.base import References, TextMetric
from ablations.readings.text_metrics.references import commonest_reference

ITEMS, PREDICTIONS = "share of items", "share of predictions"
Normalised = Callable[[GroupAnswers, Score], Sequence[float] | None]
BLIND_WORDS = {
    "majority": "accuracy of always saying the commonest label",
    "prior_matched": "accuracy of labels drawn in their proportions",
    "copy_last": "accuracy of the last demonstration's label",
    "most_frequent_demo": "accuracy of the demonstrations' commonest label",
}
BIAS_WORDS = {
    "majority_label": "bias to the demonstrations' commonest label",
    "recency": "bias to the last demonstration's label",
}


@dataclass(frozen=True)
class AboutTask:
    """What has to be known of a task besides its answers.

    Attributes:
        labels: whether a number of a choice means the same label for all items.
        written: whether answers are written, not chosen.
        label_metrics, text_metrics: those that the task lists, in its order.
        references: item id -> texts that count as right.
        in_text: ids of items that stand in the training text, which are scored apart.
    """

    labels: bool = False
    written: bool = False
    label_metrics: Sequence[LabelMetric] = ()
    text_metrics: Sequence[TextMetric] = ()
    references: Mapping[str, Sequence[str]] = field(default_factory=dict)
    in_text: frozenset[str] = frozenset()

    def counted(self, answers: TaskAnswers) -> TaskAnswers:
        """The answers to items that do not stand in the training text."""
        return answers.of_items(lambda item: item not in self.in_text) if self.in_text else answers

    def found(self, answers: TaskAnswers) -> TaskAnswers:
        """The answers to the others."""
        return answers.of_items(self.in_text.__contains__)


def few_shot_readings(answers: TaskAnswers, about: AboutTask) -> list[Reading]:
    """All readings of one task, in a fixed order."""
    return list(_Task(answers, about).readings())


def gain_readings(answers: TaskAnswers, about: AboutTask) -> list[Reading]:
    """What permuted labels cost, at every k."""
    return [reading for reading in _Task(answers, about).gains() if reading.value is not None]


class _Task:
    """One task: its groups by k and condition."""

    def __init__(self, answers: TaskAnswers, about: AboutTask) -> None:
        self.task, self.answers, self.about = answers.task, answers, about
        self.groups: defaultdict[tuple[int, str], list[GroupAnswers]] = defaultdict(list)
        for group in answers.asked():
            self.groups[group.k, group.condition].append(group)

    def readings(self) -> Iterator[Reading]:
        for k, condition in self.groups:
            yield from self._level(k, condition)
        yield from self.gains()
        for k in self._ks():
            if not self.about.written and self._scored(k, "gold"):
                yield from self._normalised(k)
                yield from self._blind(k)
                yield from self._bias(k)
        for k in self._ks():
            yield from self._written(k)

    def gains(self) -> Iterator[Reading]:
        for k in self._ks():
            if (k, "permuted") in self.groups:
                yield self._gain(k)

    def _ks(self) -> list[int]:
        return sorted({k for k, _ in self.groups})

    def _scored(self, k: int, condition: str) -> list[GroupAnswers]:
        """Groups of which some item was scored."""
        return [group for group in self.groups.get((k, condition), ()) if group.scores]

    def _reading(
        self,
        k: int,
        reading: str,
        value: float | None,
        n: int,
        unit: str,
        better: Better,
        words: str,
        condition: str = "",
    ) -> Reading:
        return Reading(
            FEW_SHOT,
            value,
            unit,
            better,
            f"{words} {shots_words(self.task, k, condition)}",
            reading,
            task=self.task,
            k=k,
            condition=condition,
            n={"answers": n},
            short=words,
        )

    def _mean(
        self, k: int, reading: str, each: Sequence[float], unit: str, better: Better, words: str, condition: str = ""
    ) -> Reading:
        """The mean of what was measured, with its own n."""
        value = fmean(each) if each else None
        return self._reading(k, reading, value, len(each), unit, better, words, condition)

    def _level(self, k: int, condition: str) -> Iterator[Reading]:
        groups = self._scored(k, condition)
        scores = [score for group in groups for score in group.scores]
        yield self._mean(k, "nll", [s.gold_nll for s in scores], "nats", "lower", "NLL of the gold answer", condition)
        if not scores:
            return
        if all(per_byte(score) for score in scores):
            each = [s.gold_nll / s.bytes[s.gold] for s in scores]
            yield self._mean(
                k, "nll_per_byte", each, "nats per byte", "lower", "NLL of the gold answer per byte", condition
            )
        if self.about.written:
            return
        right = [float(score.correct) for score in scores]
        yield self._mean(k, "accuracy", right, ITEMS, "higher", "accuracy", condition)
        if all(len(score.choices) > 1 for score in scores):
            margins = [score.margin for score in scores]
            yield self._mean(k, "margin", margins, "nats", "higher", "margin of the gold answer", condition)
        for metric in self.about.label_metrics:
            pairs = (([s.gold for s in g.scores], [s.predicted for s in g.scores]) for g in groups)
            value = fmean(metric.score(*pair) for pair in pairs)
            yield self._reading(k, metric.kind, value, len(scores), metric.unit, metric.better, metric.words, condition)

    def _gain(self, k: int) -> Reading:
        """Over the draws and items that have both."""
        gold, permuted = (
            {(group.draw, score.id): score.gold_nll for group in self._scored(k, condition) for score in group.scores}
            for condition in ("gold", "permuted")
        )
        each = [permuted[pair] - gold[pair] for pair in permuted if pair in gold]
        return self._mean(k, GAIN, each, "nats", "higher", GAIN_WORDS)

    def _normalised(self, k: int) -> Iterator[Reading]:
        for ending, words, normalised in self._normalisations(k):
            each = []
            for group in self._scored(k, "gold"):
                made = [(normalised(group, score), score.gold) for score in group.scores]
                each += [float(likeliest(values) == gold) for values, gold in made if values is not None]
            yield self._mean(k, f"accuracy_{ending}", each, ITEMS, "higher", f"accuracy {words}", "gold")

    def _normalisations(self, k: int) -> Iterator[tuple[str, str, Normalised]]:
        """Those for which the task has what they need."""
        yield "per_token", "by mean over tokens", lambda _, score: per_token(score)
        if any(score.bytes for group in self._scored(k, "gold") for score in group.scores):
            yield "per_byte", "by mean over bytes", lambda _, score: per_byte(score)
        conditions = {group.condition for group in self.answers.groups}
        if UNCONDITIONAL in conditions:
            alone = {score.id: score for group in self._correcting(UNCONDITIONAL) for score in group.scores}
            yield "pmi", "by mutual information", lambda _, score: mutual_information(score, alone)
        if CONTENT_FREE in conditions:
            free = [group for group in self._correcting(CONTENT_FREE) if group.k == k]
            shares = {group.draw: content_free_shares(group.scores) for group in free}
            yield "calibrated", "calibrated", lambda group, score: calibrated(score, shares.get(group.draw, ()))

    def _correcting(self, condition: str) -> list[GroupAnswers]:
        return [group for group in self.answers.groups if group.condition == condition]

    def _blind(self, k: int) -> Iterator[Reading]:
        groups = self._scored(k, "gold")
        gold, shown = [[s.gold for s in group.scores] for group in groups], [group.demo_labels for group in groups]
        n, accuracies = sum(map(len, gold)), blind_accuracies(gold, shown)
        best = "accuracy of the strongest blind guess"
        yield self._reading(k, "blind_accuracy", max(accuracies.values()), n, ITEMS, None, best)
        for name, value in accuracies.items():
            yield self._reading(k, f"blind.{name}", value, n, ITEMS, None, BLIND_WORDS[name])
        for metric in self.about.label_metrics:
            value, words = blind_label_score(metric, gold, shown), f"{metric.words} of the strongest blind guess"
            yield self._reading(k, f"blind_{metric.kind}", value, n, metric.unit, None, words)

    def _bias(self, k: int) -> Iterator[Reading]:
        """Only where a number of a choice means the same label for all items."""
        groups = [group for group in self._scored(k, "gold") if group.demo_labels]
        if not self.about.labels or not groups:
            return
        favoured: dict[str, list[tuple[int | None, Sequence[Score]]]] = {
            "majority_label": [(only_commonest(group.demo_labels), group.scores) for group in groups],
            "recency": [(group.demo_labels[-1], group.scores) for group in groups],
        }
        for name, pairs in favoured.items():
            each = [excess(label, score) for label, scores in pairs if label is not None for score in scores]
            yield self._mean(k, f"bias.{name}", each, PREDICTIONS, None, BIAS_WORDS[name])

    def _written(self, k: int) -> Iterator[Reading]:
        """Means over draws of the written answers' scores."""
        groups = [group for group in self.groups.get((k, "gold"), ()) if group.texts]
        draws = [written(group, self.about.references) for group in groups]
        if not draws:
            return
        blind = commonest_reference([references for _, of_draw in draws for references in of_draw])
        n = sum(len(texts) for texts, _ in draws)
        for metric in self.about.text_metrics:
            value = fmean(metric.score(*draw) for draw in draws)
            yield self._reading(k, metric.reading, value, n, metric.unit, metric.better, metric.words, "gold")
            always = fmean(metric.score([blind] * len(texts), references) for texts, references in draws)
            words = f"{metric.words} of always writing the commonest answer"
            yield self._reading(k, f"blind_{metric.reading}", always, n, metric.unit, None, words)


def written(group: GroupAnswers, references: Mapping[str, Sequence[str]]) -> tuple[list[str], References]:
    """What a group wrote, and what counts as right for each item."""
    return [text.strip() for text in group.texts or ()], [references[score.id] for score in group.scores]


def excess(label: int, score: Score) -> float:
    """Share of the prediction that is the label, less one where it is right; a prediction is shared by equals."""
    best = max(score.choices)
    return (score.choices[label] == best) / score.choices.count(best) - (score.gold == label)


def about_task(
    items: Mapping[str, Any],
    label_metrics: Mapping[str, type[LabelMetric]],
    text_metrics: Mapping[str, type[TextMetric]],
) -> AboutTask:
    """From a task's items file; the mappings are all known metrics by kind."""
    listed = items.get("metrics", ())
    return AboutTask(
        labels=bool(items.get("labels")),
        written=items.get("generation") is not None,
        label_metrics=[label_metrics[name]() for name in listed if name in label_metrics],
        text_metrics=[text_metrics[name]() for name in listed if name in text_metrics],
        references=items.get("references", {}),
        in_text=frozenset(items.get("in_text") or ()),
    )
