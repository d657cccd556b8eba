"""BLEU of English: words as 13a cuts them. Source: Post 2018, https://arxiv.org/abs/1804.08771."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ablations.readings.text_metrics import corpus_scores
from ablations.readings.text_metrics.base import Example, References, TextMetric


class BleuEn(TextMetric):
    """sacreBLEU's corpus BLEU over words as 13a cuts them."""

    kind: ClassVar[str] = "bleu_en"
    version: ClassVar[int] = 1
    reading: ClassVar[str] = "bleu"
    unit: ClassVar[str] = "BLEU, 0 to 100"
    words: ClassVar[str] = "BLEU"
    examples: ClassVar[tuple[Example, ...]] = (
        (["the cat sat on the mat"], [["the cat sat on the mat"]], 100.0),
        (["a dog"], [["the cat sat on the mat"]], 0.0),
    )

    def score(self, answers: Sequence[str], references: References) -> float:
        return corpus_scores.score(corpus_scores.bleu("13a"), answers, references)

    def signature(self) -> str:
        return corpus_scores.signature(corpus_scores.bleu("13a"))
