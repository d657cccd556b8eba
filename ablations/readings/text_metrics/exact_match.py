"""Whether an answer is a reference. Source: KorQuAD 1.0, https://korquad.github.io/KorQuad%201.0/."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ablations.readings.text_metrics.base import Example, References, TextMetric
from ablations.readings.text_metrics.normalised import normalised
from ablations.readings.text_metrics.references import mean_of_best


class ExactMatch(TextMetric):
    """Share of answers that are one of their references, as KorQuAD 1.0 compares them."""

    kind: ClassVar[str] = "exact_match"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "share of items"
    words: ClassVar[str] = "exact match"
    of_one_answer: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        (["서울!"], [["서울", "부산"]], 1.0),
        (["서울", "서울시"], [["서울"], ["서울"]], 0.5),
        ([""], [["서울"]], 0.0),
    )

    def score(self, answers: Sequence[str], references: References) -> float:
        return mean_of_best(exact_match, answers, references)


def exact_match(answer: str, reference: str) -> float:
    """1 where the normalised texts are the same."""
    return float(normalised(answer) == normalised(reference))
