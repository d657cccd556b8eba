"""What claims on emergence share: the limits that say what has emerged, an induction head or copying on text."""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

from pydantic import Field, model_validator

from ablations.claims.base import Claim
from ablations.statistics.claim_estimates import ClaimEstimates
from ablations.statistics.emergence import (
    COPYING_NATS,
    PREFIX_MATCHING,
    REPEATS,
    REPEATS_NATS,
    Emerged,
    Limits,
    emerged,
    emerged_above,
)
from ablations.statistics.measures import Measures


class EmergenceClaim(Claim, ABC):
    """A seed has emerged when, at two evaluations in a row, one head's prefix matching is above `prefix_matching` and three times
    even attention, and repeats save more than `repeats` nats a token. Or, where a `measure` is named, such as
    `context_gain.SOURCE.order`, when that is `above` a level at two evaluations in a row.

    Arms with different tokenizers may be compared. Attention is counted in units of even attention; and the limit in nats of a
    random token is far below what repeats can save, about the logarithm of the vocabulary: 0.05 nats are a copied piece that
    has become 5 % likelier (exp 0.05), out of 512 pieces as out of 16,384. What does depend on the vocabulary is how much of it
    is rare in the text, for passages are drawn from all pieces alike; the report says so where sizes differ. By a measure they may
    if that does not depend on the tokenizer.
    """

    has_variances: ClassVar[bool] = False
    tokenizer_free: ClassVar[bool] = True

    prefix_matching: float = Field(default=PREFIX_MATCHING, gt=0, lt=1)
    repeats: float = Field(default=REPEATS_NATS, ge=0)
    measure: str = ""
    above: float = COPYING_NATS

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        """A limit that nothing is held against would be a limit that the reader believes in."""
        of_heads = [
            name
            for name, usual in (("prefix_matching", PREFIX_MATCHING), ("repeats", REPEATS_NATS))
            if getattr(self, name) != usual
        ]  # by value: a claim that was written out has all of its fields
        if self.measure and of_heads:
            raise ValueError(
                f"{of_heads[0]} is a limit of induction heads, and this claim counts seeds by {self.measure}. "
                "Leave one of them out; the limit of a measure is above"
            )
        if self.above != COPYING_NATS and not self.measure:
            raise ValueError(
                "above is the limit of a measure, and none is named. "
                "Write measure: context_gain.SOURCE.order, or prefix_matching and repeats for induction heads"
            )
        return self

    def onsets(self, measures: Measures, arm: str) -> list[Emerged]:
        """Of every cell of an arm that says."""
        limits = Limits(self.prefix_matching, self.repeats)
        each = (
            emerged_above(cell, self.measure, self.above) if self.measure else emerged(cell, limits)
            for cell in measures.cells_of(arm)
        )
        return [found for found in each if found is not None]

    def compares_tokenizers(self) -> bool:
        return not self.measure

    def what(self) -> str:
        """What emerges, for a sentence."""
        return self.measure or "an induction head"

    def limits_said(self) -> str:
        if self.measure:
            return f"above {self.above:g} at two evaluations in a row"
        matching, repeats = self.measures_named()
        return f"{matching} above {self.prefix_matching:g} and three times even attention, {repeats} above {self.repeats:g} nats"

    def measures_named(self) -> Sequence[str]:
        if self.measure:
            return (self.measure,)
        return "heads.prefix_matching.max", REPEATS

    def without(self, arm: str) -> ClaimEstimates:
        what = self.measure or "heads and repeats"
        missing = f"arm {arm} has no finished cell whose {what} {'was' if self.measure else 'were'} measured twice after the start"
        return ClaimEstimates("", measures=tuple(self.measures_named()), missing=missing)


def common_limit(arms: Iterable[Sequence[Emerged]]) -> int:
    """The latest onset, in tokens, that all runs could have shown: what comes after it favours the arm of longer ones."""
    return min(each.last_tokens for seeds in arms for each in seeds)


def onsets_within(found: Sequence[Emerged], limit: int) -> list[float]:
    """Tokens; infinity where none was seen within the limit."""
    return [math.inf if each.at_tokens is None or each.at_tokens > limit else float(each.at_tokens) for each in found]
