"""The claim that two measures rank the arms alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from ablations.claims.base import Claim
from ablations.statistics.claim_estimates import ClaimEstimates
from ablations.statistics.measures import Measures
from ablations.statistics.over_arms import LEAST_ARMS, least_seeds, relation, smallest_correlation


class GoesWith(Claim):
    """Over the study's arms two measures rise and fall together (rank correlation of the arms' means over seeds).

    Each measure is taken from other seeds than the other one, so that what happens within a seed relates no arms.
    """

    kind: Literal["goes_with"] = "goes_with"
    measure_x: str
    measure_y: str
    counts_over: ClassVar[Literal["seed", "arm"]] = "arm"
    least_arms: ClassVar[int] = LEAST_ARMS
    relation: ClassVar[bool] = True

    def sentence(self) -> str:
        return f"{self.measure_x} goes with {self.measure_y}"

    def estimates(self, measures: Measures) -> ClaimEstimates:
        names = (self.measure_x, self.measure_y)
        main, missing = relation(measures, *names)
        return ClaimEstimates(
            "rank correlation over arms", main, two_sided=True, measures=names, missing=missing,
            seeds=least_seeds(measures, *names),
        )  # fmt: skip

    def arms_named(self) -> Sequence[str]:
        return ()

    def measures_named(self) -> Sequence[str]:
        return self.measure_x, self.measure_y

    def direction(self, effect: float) -> str:
        return "they rise and fall together" if effect > 0 else "one falls where the other rises"

    def seen_over_arms(self, arms: int, alpha: float) -> float:
        return smallest_correlation(arms, alpha)
