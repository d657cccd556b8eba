"""What the top induction heads are worth: every measure of context again, with these heads silent."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

from ablations.core.attention import Head, heads_of, silenced
from ablations.core.evaluation import EvaluationData
from ablations.core.hashing import key_of
from ablations.core.items import TaskItems
from ablations.core.metrics.base import Metric, Reading
from ablations.core.metrics.few_shot import FewShot
from ablations.core.metrics.heads import head_scores, induction_heads
from ablations.core.metrics.late_minus_early import LateMinusEarly
from ablations.core.metrics.repeated_tokens import RepeatedTokens
from ablations.core.model import Model

MOST_HEADS = 4
WINDOWS, ITEMS, SEQUENCES, DRAWS = 128, 200, 64, 2  # at most: three measurements of everything
COPYING, GAIN = "repeated_tokens.first_minus_second", "late_minus_early.pooled"
CONTRAST = ".permuted_minus_gold"


class HeadAblation(Metric):
    """What a measure of context loses when the top induction heads are silent; positive when the model needed them.

    Silent are the induction heads of `heads`, the strongest first, at most four and at most half of all heads: what they write is
    set to zero. `<measure>.top` is what that costs, `<measure>.random` what as many other heads cost: no induction heads, chosen by
    hash, of the same layers as far as these have enough; absent when there are too few. `silenced` is the number of heads; 0
    means that there is no induction head, and then no cost is measured.

    Measures: `repeated_tokens.first_minus_second`; `late_minus_early.pooled`, whose cost is the loss in gain, that is silent minus
    intact; and of each task `few_shot.<task>.k<k>.permuted_minus_gold` at its largest k. With less effort than at the end of a
    cell: at most 128 windows, 64 sequences, 200 items and 2 draws.

    Source: Olsson et al. 2022, https://arxiv.org/abs/2209.11895, "ablations" (theirs are of one head at a time, and keep patterns).
    """

    kind: ClassVar[str] = "head_ablation"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "nats lost"
    lower_is_better: ClassVar[bool] = False
    in_curve: ClassVar[bool] = False

    def measure(self, model: Model, data: EvaluationData) -> Reading:
        small = at_less_effort(data)
        scores = head_scores(model, small)
        above = induction_heads(scores, small)
        top = above[: min(MOST_HEADS, max(1, len(scores) // 2))]
        if not top:
            return Reading({"silenced": 0.0}, {"heads": len(scores)}, {"top": [], "random": []})
        intact, n = gains(model, small)
        values = {"silenced": float(len(top))}
        chosen = {"top": top, "random": others(model, above, len(top), data.seed)}
        for name, heads in chosen.items():
            if len(heads) == len(top):
                with silenced(model, heads):
                    left, _ = gains(model, small)
                values |= {f"{measure}.{name}": gain - left[measure] for measure, gain in intact.items()}
        return Reading(values, {"heads": len(scores), **n}, {**chosen, "gains_intact": intact})


def others(model: Model, induction: Sequence[Head], count: int, seed: int) -> list[Head]:
    """As many heads that are no induction heads, by hash; those of the layers of the top `count` first."""
    layers = {layer for layer, _ in induction[:count]}
    free = [head for head in heads_of(model) if head not in induction]
    return sorted(free, key=lambda head: (head[0] not in layers, key_of("ablated", seed, *head)))[:count]


def gains(model: Model, data: EvaluationData) -> tuple[dict[str, float], dict[str, int]]:
    """Every measure of context as a gain, in nats, positive when context helps; and the n behind each."""
    copied = RepeatedTokens().measure(model, data)
    late = LateMinusEarly().measure(model, data)
    shots = FewShot().measure(model, data)
    found, n = {COPYING: copied.values["first_minus_second"]}, {COPYING: copied.n["sequences"]}
    if "pooled" in late.values:
        found[GAIN], n[GAIN] = -late.values["pooled"], late.n["pooled"]
    for name, value in shots.values.items():
        if name.endswith(CONTRAST):
            found[f"few_shot.{name}"], n[f"few_shot.{name}"] = value, shots.n[name]
    return found, n


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
