"""The claim that induction heads emerge in another share of the seeds of one arm than of another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from ablations.claims.base import Claim
from ablations.claims.emergence_claim import EmergenceClaim, common_limit, onsets_within
from ablations.statistics.claim_estimates import ClaimEstimates
from ablations.statistics.measures import Measures
from ablations.statistics.paired import Estimate
from ablations.statistics.shares import difference_interval, difference_p


class ShareDiffers(EmergenceClaim, Claim):
    """An induction head, or the measure named, emerges in more seeds of one arm than of another (Fisher's exact test).

    Counted is what all runs could have shown: where one arm reads more tokens than the other, its later onsets do not count.
    """

    kind: Literal["share_differs"] = "share_differs"
    arm_a: str
    arm_b: str

    def sentence(self) -> str:
        return f"{self.what()} emerges in another share of the seeds of {self.arm_a} than of {self.arm_b} ({self.limits_said()})"

    def estimates(self, measures: Measures) -> ClaimEstimates:
        found = [self.onsets(measures, arm) for arm in self.arms_named()]
        if not all(found):
            return self.without(self.arm_a if not found[0] else self.arm_b)
        limit = common_limit(found)
        (a, n_a), (b, n_b) = ((sum(map(math.isfinite, onsets_within(seeds, limit))), len(seeds)) for seeds in found)
        main = Estimate(
            a / n_a - b / n_b, min(n_a, n_b), difference_interval(a, n_a, b, n_b), difference_p(a, n_a, b, n_b)
        )
        said = f"{a} of {n_a} seeds against {b} of {n_b} within {limit:,} tokens"
        return ClaimEstimates(
            "difference of shares of seeds", main, two_sided=True, measures=tuple(self.measures_named()), said=said
        )

    def arms_named(self) -> Sequence[str]:
        return self.arm_a, self.arm_b

    def least_p(self, seeds: int) -> float:
        return difference_p(seeds, seeds, 0, seeds)

    def direction(self, effect: float) -> str:
        return f"more often in {self.arm_a if effect > 0 else self.arm_b}"
