"""The claim that a mixture is more than its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ablations.claims.base import DEFAULT_MEASURE, Claim
from ablations.statistics.claim_estimates import ClaimEstimates, better
from ablations.statistics.measures import Measures


class Synergy(Claim):
    """A mixture is better in a measure than the best of its parts alone."""

    kind: Literal["synergy"] = "synergy"
    mixture: str
    parts: tuple[str, ...] = Field(min_length=1)
    measure: str = DEFAULT_MEASURE
    smallest: float | None = Field(default=None, gt=0)

    def sentence(self) -> str:
        return f"mixture {self.mixture} is better in {self.measure} than the best of {', '.join(self.parts)}"

    def estimates(self, measures: Measures) -> ClaimEstimates:
        return better(self.mixture, self.parts, self.measure, measures, self.smallest)

    def arms_named(self) -> Sequence[str]:
        return self.mixture, *self.parts

    def measures_named(self) -> Sequence[str]:
        return (self.measure,)
