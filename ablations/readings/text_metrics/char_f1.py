"""Characters that an answer shares with a reference. Source: KorQuAD 1.0, https://korquad.github.io/KorQuad%201.0/."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from ablations.readings.text_metrics.base import Example, References, TextMetric
from ablations.readings.text_metrics.normalised import normalised
from ablations.readings.text_metrics.references import mean_of_best


class CharF1(TextMetric):
    """F1 of the characters of answer and best reference, mean over items, as KorQuAD 1.0 counts it."""

    kind: ClassVar[str] = "char_f1"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "F1, 0 to 1"
    words: ClassVar[str] = "character F1"
    of_one_answer: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        (["서울 시"], [["서울시"]], 1.0),
        (["서울"], [["서울시", "부산"]], 0.8),
        (["", "부산"], [["서울"], ["부산"]], 0.5),
    )

    def score(self, answers: Sequence[str], references: References) -> float:
        return mean_of_best(char_f1, answers, references)


def char_f1(answer: str, reference: str) -> float:
    """F1 of the characters, spaces left out, each counted as often as it occurs in both; 0 where nothing is shared."""
    written, right = (Counter(normalised(text).replace(" ", "")) for text in (answer, reference))
    shared = (written & right).total()
    return 2 * shared / (written.total() + right.total()) if shared else 0.0
