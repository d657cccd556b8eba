"""The claim that induction heads emerge earlier in one arm than in another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from ablations.claims.base import Claim
from ablations.claims.emergence_claim import EmergenceClaim, common_limit, onsets_within
from ablations.statistics.claim_estimates import ClaimEstimates
from ablations.statistics.measures import Measures
from ablations.statistics.paired import Estimate
from ablations.statistics.shares import difference_p, log_rank_p, restricted_difference


class OnsetEarlier(EmergenceClaim, Claim):
    """An induction head, or the measure named, emerges after fewer tokens in one arm than in another (log-rank; seeds without are
    censored)."""

    kind: Literal["onset_earlier"] = "onset_earlier"
    arm_a: str
    arm_b: str

    def sentence(self) -> str:
        return f"{self.what()} emerges earlier in {self.arm_a} than in {self.arm_b} ({self.limits_said()})"

    def estimates(self, measures: Measures) -> ClaimEstimates:
        found = [self.onsets(measures, arm) for arm in self.arms_named()]
        if not all(found):
            return self.without(self.arm_a if not found[0] else self.arm_b)
        limit = common_limit(found)
        a, b = (onsets_within(seeds, limit) for seeds in found)
        effect, interval = restricted_difference(a, b, limit)
        main = Estimate(effect, min(len(a), len(b)), interval, log_rank_p(a, b, limit))
        seen = [f"{sum(map(math.isfinite, each))} of {len(each)} seeds" for each in (a, b)]
        said = (
            f"{seen[0]} against {seen[1]} within {limit:,} tokens; seeds without count as {limit:,} tokens in the mean"
        )
        return ClaimEstimates("tokens earlier", main, measures=tuple(self.measures_named()), said=said)

    def arms_named(self) -> Sequence[str]:
        return self.arm_a, self.arm_b

    def least_p(self, seeds: int) -> float:
        return difference_p(seeds, seeds, 0, seeds)
