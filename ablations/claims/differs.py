"""The claim that two arms are not alike."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal, Self

from pydantic import Field

from ablations.claims.base import DEFAULT_MEASURE, Claim
from ablations.core.results.readings import gain_name
from ablations.statistics.claim_estimates import ClaimEstimates, better
from ablations.statistics.measures import Measures


class Differs(Claim):
    """Two arms differ in a measure."""

    kind: Literal["differs"] = "differs"
    arm_a: str
    arm_b: str
    measure: str = DEFAULT_MEASURE
    smallest: float | None = Field(default=None, gt=0)

    def sentence(self) -> str:
        return f"arms {self.arm_a} and {self.arm_b} differ in {self.measure}"

    def estimates(self, measures: Measures) -> ClaimEstimates:
        return better(self.arm_a, [self.arm_b], self.measure, measures, self.smallest, two_sided=True)

    def arms_named(self) -> Sequence[str]:
        return self.arm_a, self.arm_b

    def measures_named(self) -> Sequence[str]:
        return (self.measure,)

    def direction(self, effect: float) -> str:
        return f"{self.arm_a if effect > 0 else self.arm_b} is better"

    def key(self) -> tuple[object, ...]:
        return self.kind, frozenset({self.arm_a, self.arm_b}), self.measure

    @classmethod
    def unregistered(cls, task: str, k: int, arms: Sequence[str]) -> Sequence[Self]:
        """Every pair of arms in what permuted labels cost."""
        return [cls(arm_a=a, arm_b=b, measure=gain_name(task, k)) for a, b in combinations(arms, 2)]
