"""Whether the instrument works: controls whose outcome is known by construction, held against their limits in every seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ablations.statistics.measures import Measures


@dataclass(frozen=True)
class ControlOutcome:
    """One control arm: its limits in nats, what each seed gave, and whether all of them kept the limits."""

    arm: str
    expectation: str
    low: float | None
    high: float | None
    seeds: Mapping[int, float]
    expected_seeds: int

    @property
    def passed(self) -> bool:
        inside = [
            (self.low is None or value > self.low) and (self.high is None or value < self.high)
            for value in self.seeds.values()
        ]
        return len(inside) == self.expected_seeds and all(inside)


def expectation(low: float | None, high: float | None, k: int) -> str:
    """The limits in words."""
    cost = f"the loss that permuted labels cost at k = {k}"
    if low is not None and high is not None:
        return f"{cost} lies between {low:g} and {high:g} nats"
    if low is not None:
        return f"{cost} is above {low:g} nats"
    return f"{cost} is below {high:g} nats" if high is not None else f"{cost} has no limits"


def check(
    limits: Mapping[str, tuple[float | None, float | None]], measures: Measures, measure: str, k: int, seeds: int
) -> list[ControlOutcome]:
    """Every control arm, in the order given; a missing cell fails its control."""
    return [
        ControlOutcome(arm, expectation(low, high, k), low, high, measures.of(arm, measure), seeds)
        for arm, (low, high) in limits.items()
    ]
