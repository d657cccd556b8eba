"""Ablation of the top induction heads: every measure of context again, with these heads silent."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.hashing import key_of
from ablations.core.data.items import TaskItems
from ablations.core.metrics.base import Measured, Metric, Scope
from ablations.core.metrics.heads import head_scores, induction_heads
from ablations.core.metrics.late_minus_early import LateMinusEarly
from ablations.core.metrics.repeated_tokens import GAIN, RepeatedTokens
from ablations.core.model.heads import Head, heads_of, silenced
from ablations.core.model.model import Model
from ablations.core.results.answers import TaskAnswers
from ablations.core.results.readings import Better, Reading, cost_words
from ablations.core.scoring.asking import answers_of

MOST_HEADS = 4
WINDOWS, ITEMS, SEQUENCES, DRAWS = 128, 200, 64, 2  # at most: three measurements of everything
COPYING, CONTEXT_GAIN = f"repeated_tokens.{GAIN}", "late_minus_early.pooled"
INTACT, TOP, RANDOM = "intact", "top", "random"


@dataclass(frozen=True)
class Silenced:
    """Which heads are silenced: the strongest induction heads, and as many others by hash; none where there are too few."""

    heads: int
    top: Sequence[Head]
    random: Sequence[Head]

    @classmethod
    def of(cls, model: Model, data: EvaluationData) -> Silenced:
        scores = head_scores(model, data)
        above = induction_heads(scores, data)
        top = above[: min(MOST_HEADS, max(1, len(scores) // 2))]
        drawn = others(model, above, len(top), data.seed)
        return cls(len(scores), top, drawn if len(drawn) == len(top) else [])

    def chosen(self) -> dict[str, Sequence[Head]]:
        return {name: heads for name, heads in ((TOP, self.top), (RANDOM, self.random)) if heads}


class HeadAblation(Metric):
    """What a measure of context loses when the top induction heads are silent; positive when the model needed them.

    Silent are the induction heads of `heads`, the strongest first, at most four and at most half of all heads: what they write is
    set to zero. `<measure>.top` is what that costs, `<measure>.random` what as many other heads cost: no induction heads, chosen by
    hash, of the same layers as far as these have enough; absent when there are too few. `silenced` is the number of heads; 0
    means that there is no induction head, and then no cost is measured.

    Measures: `repeated_tokens.first_minus_second`; `late_minus_early.pooled`, whose cost is the loss in gain, that is silent minus
    intact; and of each task `few_shot.<task>.k<k>.permuted_minus_gold` at its largest k, whose answers are kept three times: of
    the model as it is, without its top heads, and without others. With less effort than at the end of a cell: at most 128
    windows, 64 sequences, 200 items and 2 draws.

    Source: Olsson et al. 2022, https://arxiv.org/abs/2209.11895, "ablations" (theirs are of one head at a time, and keep patterns).
    """

    kind: ClassVar[str] = "head_ablation"
    version: ClassVar[int] = 2
    unit: ClassVar[str] = "nats lost"
    better: ClassVar[Better] = None
    in_curve: ClassVar[bool] = False
    scopes: ClassVar[tuple[Scope, ...]] = ("cell", "task")

    def measure(self, model: Model, data: EvaluationData) -> Measured:
        small = at_less_effort(data)
        silent = Silenced.of(model, small)
        details = {TOP: list(silent.top), RANDOM: list(silent.random)}
        if data.tasks:
            return Measured(answers=_answers(model, small, silent), details=details)
        number = self.reading(
            float(len(silent.top)),
            "silenced",
            n={"heads": silent.heads},
            unit="heads",
            words="number of silenced heads",
        )
        intact = gains(model, small) if silent.top else {}
        costs = [
            cost for done, heads in silent.chosen().items() for cost in self._costs(model, small, intact, done, heads)
        ]
        return Measured([number, *costs], details=details)

    def _costs(
        self, model: Model, data: EvaluationData, intact: Mapping[str, Reading], done: str, heads: Sequence[Head]
    ) -> list[Reading]:
        with silenced(model, heads):
            left = gains(model, data)
        return [
            self.reading(
                (gain.value or 0.0) - (left[name].value or 0.0),
                done,
                of=name,
                n=gain.n,
                words=cost_words(gain.words, done),
            )
            for name, gain in intact.items()
        ]


def _answers(model: Model, data: EvaluationData, silent: Silenced) -> dict[str, TaskAnswers]:
    """By what was done to the model; nothing where there is no induction head or nothing to ask."""
    if not silent.top or not data.tasks:
        return {}
    (task,) = data.tasks
    found = {INTACT: answers_of(model, task, data)}
    for done, heads in silent.chosen().items():
        with silenced(model, heads):
            found[done] = answers_of(model, task, data)
    return found


def others(model: Model, induction: Sequence[Head], count: int, seed: int) -> list[Head]:
    """As many heads that are no induction heads, by hash; those of the layers of the top `count` first."""
    layers = {layer for layer, _ in induction[:count]}
    free = [head for head in heads_of(model) if head not in induction]
    return sorted(free, key=lambda head: (head[0] not in layers, key_of("ablated", seed, *head)))[:count]


def gains(model: Model, data: EvaluationData) -> dict[str, Reading]:
    """Gains from context outside tasks, by name, in nats, positive when context helps."""
    copied = RepeatedTokens().measure(model, data)
    late = LateMinusEarly().measure(model, data)
    found = {reading.name: reading for reading in (*copied.readings, *late.readings) if reading.value is not None}
    gain = found.get(CONTEXT_GAIN)
    context = {CONTEXT_GAIN: dataclasses.replace(gain, value=-(gain.value or 0.0))} if gain else {}
    return {COPYING: found[COPYING], **context}


def at_less_effort(data: EvaluationData) -> EvaluationData:
    """Fewer of everything, and of each task the largest k under gold and permuted labels alone."""
    tasks = [smaller for task in data.tasks if (smaller := _largest_k(task)).groups]
    windows, items = min(data.windows, WINDOWS), min(data.items, ITEMS)
    sequences = min(data.sequences, SEQUENCES)
    return data.replace(tasks=tasks, windows=windows, items=items, sequences=sequences, generate=False)


def _largest_k(task: TaskItems) -> TaskItems:
    """Groups of the largest k that has permuted labels and an item that fits."""
    having = [g.k for g in task.groups if g.condition == "permuted" and any(item.fits for item in g.items)]
    wanted = [
        g
        for g in task.groups
        if having and g.k == max(having) and g.condition in {"gold", "permuted"} and g.draw < DRAWS
    ]
    return dataclasses.replace(task, groups=tuple(wanted))
