"""Log-probabilities of an item's choices, and the ways of making choices of other lengths or frequencies comparable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

UNDECIDED = -1  # the prediction of a model that finds two choices likeliest
FOR_ALL = "*"  # id of the one unconditional item that stands for all


@dataclass(frozen=True)
class Score:
    """Log-probabilities, in nats over the whole vocabulary, of each choice of an item, summed over its tokens.

    `tokens` and `bytes` are the lengths of the choices; `bytes` is empty where the items do not tell them.
    """

    id: str
    gold: int
    choices: tuple[float, ...]
    tokens: tuple[int, ...] = ()
    bytes: tuple[int, ...] = ()

    @property
    def gold_nll(self) -> float:
        return -self.choices[self.gold]

    @property
    def margin(self) -> float:
        """Nats by which the gold choice is likelier than the best other one; there must be one."""
        return self.choices[self.gold] - max(p for i, p in enumerate(self.choices) if i != self.gold)

    @property
    def predicted(self) -> int:
        return likeliest(self.choices)

    @property
    def correct(self) -> bool:
        return self.predicted == self.gold


def likeliest(values: Sequence[float]) -> int:
    """Number of the largest value; `UNDECIDED` if two are, so that a model that sees no difference is not counted as right."""
    best = max(values)
    return values.index(best) if values.count(best) == 1 else UNDECIDED


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
    """Less what each choice has behind the same demonstrations when the question says nothing.

    Args:
        content_free: from `content_free_shares`.

    Source: Zhao et al. 2021, https://arxiv.org/abs/2102.09690: probabilities over p_cf, that is W = diag(p_cf)^-1, b = 0.
    """
    if len(content_free) != len(score.choices):
        return None
    return tuple(p - math.log(share) for p, share in zip(score.choices, content_free, strict=True))


def content_free_shares(scores: Sequence[Score]) -> tuple[float, ...]:
    """Mean over questions without content of the choices' probabilities, those of a question normalised to one.

    Empty when there are no such questions or their numbers of choices differ.
    """
    if len({len(score.choices) for score in scores}) != 1:
        return ()
    each = [_shares(score.choices) for score in scores]
    return tuple(max(fmean(column), 1e-300) for column in zip(*each, strict=True))


def _shares(logp: Sequence[float]) -> list[float]:
    top = max(logp)
    weights = [math.exp(p - top) for p in logp]
    return [weight / sum(weights) for weight in weights]
