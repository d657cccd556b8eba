"""Corpus scores of sacreBLEU, 0 to 100. Source: Post 2018, https://arxiv.org/abs/1804.08771."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ablations.readings.text_metrics.base import References

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric


@cache
def bleu(words: str) -> Metric:
    """BLEU over the words that one of sacreBLEU's tokenizers makes."""
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize=words)


@cache
def chrf() -> Metric:
    """chrF2 of characters, without words."""
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


def score(metric: Metric, answers: Sequence[str], references: References) -> float:
    """Of all answers together; items may have other numbers of references."""
    most = max(map(len, references))
    streams: Any = [[texts[number] if number < len(texts) else None for texts in references] for number in range(most)]
    return float(metric.corpus_score(list(answers), streams).score)  # None: an item has fewer references


def signature(metric: Metric) -> str:
    """Tokenizer, smoothing, references and version, which a published score has to name."""
    return metric.get_signature().format()
