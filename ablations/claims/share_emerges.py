"""The claim that induction heads emerge in more than some share of the seeds of an arm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ablations.claims.base import Claim
from ablations.claims.emergence_claim import EmergenceClaim
from ablations.statistics.claim_estimates import ClaimEstimates
from ablations.statistics.measures import Measures
from ablations.statistics.paired import Estimate
from ablations.statistics.shares import least_share_p, share_interval, share_p

ALONE, AMONG_OTHERS = 6, 8  # seeds, at least


class ShareEmerges(EmergenceClaim, Claim):
    """An induction head, or the measure named, emerges in more than a share of an arm's seeds (exact binomial)."""

    kind: Literal["share_emerges"] = "share_emerges"
    arm: str
    more_than: float = Field(default=0.5, gt=0, lt=1)

    def sentence(self) -> str:
        return f"{self.what()} emerges in more than {self.more_than:g} of the seeds of arm {self.arm} ({self.limits_said()})"

    def estimates(self, measures: Measures) -> ClaimEstimates:
        found = self.onsets(measures, self.arm)
        if not found:
            return self.without(self.arm)
        happened, n = sum(each.at_tokens is not None for each in found), len(found)
        low, high = share_interval(happened, n)
        main = Estimate(
            happened / n - self.more_than, n, (low - self.more_than, high - self.more_than),
            share_p(happened, n, self.more_than),
        )  # fmt: skip
        said = f"{happened} of {n} seeds, a share of {low:.2f} to {high:.2f}"
        return ClaimEstimates(
            f"share of seeds above {self.more_than:g}", main, measures=tuple(self.measures_named()), said=said
        )

    def arms_named(self) -> Sequence[str]:
        return (self.arm,)

    def least_p(self, seeds: int) -> float:
        return least_share_p(seeds, self.more_than)

    def least_seeds(self, claims: int) -> int:
        """All of 6 seeds above a half reach p = 0.03, enough for an only claim; all of 8 reach 0.008, enough among six."""
        return max(ALONE if claims == 1 else AMONG_OTHERS, super().least_seeds(claims))
