"""chrF: n-grams of characters, which fits languages whose words have many forms.

Source: Popovic 2015, https://aclanthology.org/W15-3049.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ablations.readings.text_metrics import corpus_scores
from ablations.readings.text_metrics.base import Example, References, TextMetric


class Chrf(TextMetric):
    """sacreBLEU's corpus chrF2, over one to six characters."""

    kind: ClassVar[str] = "chrf"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "chrF, 0 to 100"
    words: ClassVar[str] = "chrF"
    examples: ClassVar[tuple[Example, ...]] = (
        (["서울에서 만난 사람"], [["서울에서 만난 사람"]], 100.0),
        (["abc"], [["서울에서 만난 사람", "부산"]], 0.0),
    )

    def score(self, answers: Sequence[str], references: References) -> float:
        return corpus_scores.score(corpus_scores.chrf(), answers, references)

    def signature(self) -> str:
        return corpus_scores.signature(corpus_scores.chrf())
