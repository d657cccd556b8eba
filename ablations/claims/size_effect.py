"""The claim that more of the same helps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ablations.claims.base import DEFAULT_MEASURE, Claim
from ablations.statistics.claim_estimates import ClaimEstimates, better
from ablations.statistics.measures import Measures


class SizeEffect(Claim):
    """The large arm is better in a measure than the small one of the same mixture."""

    kind: Literal["size_effect"] = "size_effect"
    small: str
    large: str
    measure: str = DEFAULT_MEASURE
    smallest: float | None = Field(default=None, gt=0)

    def sentence(self) -> str:
        return f"arm {self.large} is better in {self.measure} than the smaller {self.small}"

    def estimates(self, measures: Measures) -> ClaimEstimates:
        return better(self.large, [self.small], self.measure, measures, self.smallest)

    def arms_named(self) -> Sequence[str]:
        return self.small, self.large

    def measures_named(self) -> Sequence[str]:
        return (self.measure,)
