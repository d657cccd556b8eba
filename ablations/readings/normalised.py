"""Ways of making choices of other lengths or frequencies comparable, from their log-probabilities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ablations.core.results.answers import FOR_ALL, Score


def per_token(score: Score) -> tuple[float, ...]:
    """Mean over the tokens of each choice."""
    return tuple(p / n for p, n in zip(score.choices, score.tokens, strict=True))


def per_byte(score: Score) -> tuple[float, ...] | None:
    """Mean over the UTF-8 bytes of each choice: it does not depend on how the tokenizer cuts them."""
    if len(score.bytes) != len(score.choices) or not all(score.bytes):
        return None
    return tuple(p / n for p, n in zip(score.choices, score.bytes, strict=True))


def mutual_information(score: Score, unconditional: Mapping[str, Score]) -> tuple[float, ...] | None:
    """What the question adds to each choice: less its log-probability after the answer's cue alone.

    Source: Holtzman et al. 2021, https://arxiv.org/abs/2104.08315, "domain conditional PMI".
    """
    without = unconditional.get(score.id) or unconditional.get(FOR_ALL)
    if without is None or len(without.choices) != len(score.choices):
        return None
    return tuple(p - q for p, q in zip(score.choices, without.choices, strict=True))


def calibrated(score: Score, content_free: Sequence[float]) -> tuple[float, ...] | None:
    """Less what each choice has after the same demonstrations when the question has no content.

    Args:
        content_free: from `content_free_shares`.

    Source: Zhao et al. 2021, https://arxiv.org/abs/2102.09690: probabilities over p_cf, that is W = diag(p_cf)^-1, b = 0.
    """
    if len(content_free) != len(score.choices):
        return None
    return tuple(p - math.log(share) for p, share in zip(score.choices, content_free, strict=True))
