"""BLEU of Korean: morphemes of MeCab-ko. Source: Post 2018, https://arxiv.org/abs/1804.08771."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ablations.readings.text_metrics import corpus_scores
from ablations.readings.text_metrics.base import Example, References, TextMetric


class BleuKo(TextMetric):
    """sacreBLEU's corpus BLEU over morphemes of MeCab-ko."""

    kind: ClassVar[str] = "bleu_ko"
    version: ClassVar[int] = 1
    reading: ClassVar[str] = "bleu"
    unit: ClassVar[str] = "BLEU, 0 to 100"
    words: ClassVar[str] = "BLEU"
    examples: ClassVar[tuple[Example, ...]] = (
        (["서울에서 만난 사람"], [["서울에서 만난 사람", "그 사람"]], 100.0),
        (["the cat"], [["서울에서 만난 사람"]], 0.0),
    )

    def score(self, answers: Sequence[str], references: References) -> float:
        return corpus_scores.score(corpus_scores.bleu("ko-mecab"), answers, references)

    def signature(self) -> str:
        return corpus_scores.signature(corpus_scores.bleu("ko-mecab"))
