"""Few-shot tasks: a model's answers after demonstrations. The answers are stored; every number is computed from them later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import ClassVar

from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.items import TaskItems
from ablations.core.metrics.base import Measured, Metric, Scope
from ablations.core.model.model import Model
from ablations.core.results.answers import TaskAnswers
from ablations.core.results.readings import AT_LIMIT, GAIN, IN_TEXT, Better, Reading, shots_words
from ablations.core.scoring.asking import answers_of

ONSET_NATS = 0.5
UNIT = "share of written answers"
OF_PIECES = (
    "nll",
    "nll_per_byte",
    "margin",
    GAIN,
    "accuracy_per_token",
    AT_LIMIT,
)  # the readings that depend on the tokenizer


class FewShot(Metric):
    """The log-probability of every choice of every item, per task, k and condition, and what was written.

    `ablations/readings/few_shot.py` defines the readings that are computed from them. One is made here, since answers alone do not
    tell it: `at_limit`, the share of written answers that were cut at the task's limit of tokens, or where the context is full, and
    did not end by themselves. They are compared with references as they stand.
    """

    kind: ClassVar[str] = "few_shot"
    version: ClassVar[int] = 5
    unit: ClassVar[str] = "nats"
    better: ClassVar[Better] = "lower"
    in_curve: ClassVar[bool] = True
    scopes: ClassVar[tuple[Scope, ...]] = ("task",)
    reads: ClassVar[frozenset[str]] = frozenset({"items"})

    def measure(self, model: Model, data: EvaluationData) -> Measured:
        (task,) = data.tasks
        answers = answers_of(model, task, data)
        return Measured(list(self._at_limit(task, answers)), answers={"": answers})

    def _at_limit(self, task: TaskItems, answers: TaskAnswers) -> Iterator[Reading]:
        cut: defaultdict[int, list[bool]] = defaultdict(list)  # k -> of each answer
        for group in answers.groups:
            cut[group.k] += group.cut or ()
        most = task.generation.max_tokens if task.generation else 0
        for k, each in sorted(cut.items()):
            if each:
                words = f"written answers cut at {most} tokens or a full context, {shots_words(task.task, k, 'gold')}"
                n = {"answers": len(each)}
                yield self.reading(fmean(each), AT_LIMIT, task=task.task, k=k, n=n, unit=UNIT, better=None, words=words)

    @classmethod
    def is_tokenizer_free(cls, reading: str) -> bool:
        """Which answers are right, chosen or written, by whatever metric of labels or texts; not what they cost in nats.

        A text is right or wrong whatever its pieces are. Written answers end at the task's limit, which is counted in tokens
        and so is less text under a smaller vocabulary: that makes a difference only to answers that were cut, and `at_limit`
        says how many were; raise the task's `max_tokens` until none is. Costs in nats are left out, per byte too, since the
        words of `control_map` are chosen among the pieces; and so is accuracy by mean over tokens.
        """
        return reading.removeprefix(f"{IN_TEXT}.") not in OF_PIECES

    def onset_threshold(self, reading: Reading, final: Mapping[str, Reading]) -> float | None:
        """Of a task the difference at its largest k."""
        if reading.reading != GAIN:
            return None
        largest = max(each.k or 0 for each in final.values() if each.task == reading.task and each.reading == GAIN)
        return ONSET_NATS if reading.k == largest else None
