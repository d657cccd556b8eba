"""Whether the instrument works: controls whose outcome is known by construction have to be within their limits in every seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ablations.statistics.measures import Measures

UNIT = "nats"


@dataclass(frozen=True)
class ControlOutcome:
    """One control arm, whose outcome is known by construction: every seed's value must be between low and high.

    None is no limit, and a value that was not measured.
    """

    arm: str
    expectation: str
    low: float | None
    high: float | None
    unit: str
    seeds: Mapping[int, float | None]
    passed: bool


def expectation(low: float | None, high: float | None, k: int) -> str:
    """The limits in words."""
    cost = f"the loss that permuted labels cost at k = {k}"
    if low is not None and high is not None:
        return f"{cost} lies between {low:g} and {high:g} nats"
    if low is not None:
        return f"{cost} is above {low:g} nats"
    return f"{cost} is below {high:g} nats" if high is not None else f"{cost} has no limits"


def check_controls(
    limits: Mapping[str, tuple[float | None, float | None]], measures: Measures, measure: str, k: int, seeds: int
) -> list[ControlOutcome]:
    """Every control arm, in the order given; a missing cell fails its control."""
    found = []
    for arm, (low, high) in limits.items():
        values = measures.of(arm, measure)
        passed = len(values) == seeds and all(_inside(value, low, high) for value in values.values())
        found.append(ControlOutcome(arm, expectation(low, high, k), low, high, UNIT, values, passed))
    return found


def _inside(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value > low) and (high is None or value < high)
