"""The claim that a task is learned from its demonstrations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, Self

from pydantic import Field

from ablations.claims.base import Claim
from ablations.core.results.readings import FEW_SHOT, Name, gain_name
from ablations.statistics.cell_result import CellResult
from ablations.statistics.claim_estimates import BLIND, ClaimEstimates, gap, of_arm, over_cells
from ablations.statistics.contrast import right_minus_blind, zero_minus_shots
from ablations.statistics.measures import Measures
from ablations.statistics.paired import Estimate
from ablations.statistics.switches import hidden_in_arm

USUAL_K = 8  # variances hardly depend on k, so that any k will do for the largest


class Emerges(Claim):
    """A task emerges in an arm: gold demos beat permuted ones, k shots beat none, and the strongest blind guess is beaten.

    Args:
        k: demonstrations; the largest number that was measured when left out.
        smallest: nats that permuted labels have to cost.
    """

    kind: Literal["emerges"] = "emerges"
    arm: str
    task: str = "control_map"
    k: int | None = None
    smallest: float | None = Field(default=None, gt=0)

    def sentence(self) -> str:
        return f"{self.task} emerges in arm {self.arm}"

    def estimates(self, measures: Measures) -> ClaimEstimates:
        k = self.k if self.k is not None else measures.largest_k().get(self.task, 0)
        gain = gain_name(self.task, k)
        about = ClaimEstimates("nats", measures=(gain,))
        main = of_arm(measures, self.arm, gain)
        if main is None:
            return replace(about, missing=f"arm {self.arm} has no finished cell with {gain}")
        zero, shots = (Name(FEW_SHOT, "nll", task=self.task, k=shown, condition="gold").text for shown in (0, k))
        fewer = over_cells(measures, self.arm, zero_minus_shots(self.task, k), gap(zero, shots))
        blind = _beyond_blind(measures, self.arm, self.task, k)
        legs = (("better than zero-shot", fewer), ("better than the strongest blind guess", blind))
        known = tuple((name, leg) for name, leg in legs if leg is not None)
        if len(known) < len(legs):
            why = f"arm {self.arm} lacks zero-shot or baseline readings of {self.task} at k = {k}"
            return replace(about, missing=why)
        return replace(about, main=main, legs=known, hidden=hidden_in_arm(main.effect))

    def arms_named(self) -> Sequence[str]:
        return (self.arm,)

    def tasks_named(self) -> Sequence[str]:
        return (self.task,)

    def planned_measure(self) -> str:
        return gain_name(self.task, USUAL_K if self.k is None else self.k)

    def key(self) -> tuple[object, ...]:
        return self.kind, self.arm, self.task  # k left out is the largest

    @classmethod
    def unregistered(cls, task: str, k: int, arms: Sequence[str]) -> Sequence[Self]:
        """Every task in every arm."""
        return [cls(task=task, arm=arm, k=k) for arm in arms]


def _beyond_blind(measures: Measures, arm: str, task: str, k: int) -> Estimate | None:
    """What accuracy, or the metric of a written answer, has over the strongest blind guess."""
    blind = [
        each for each in measures.rows.values() if each.task == task and each.k == k and each.reading.startswith(BLIND)
    ]
    metrics = [each.reading.removeprefix(BLIND) for each in blind]
    for metric in sorted(metrics, key=lambda name: (name != "accuracy", name)):
        single = right_minus_blind(task, k) if metric == "accuracy" else _nothing
        reached = Name(FEW_SHOT, metric, task=task, k=k, condition="gold").text
        by_value = gap(reached, Name(FEW_SHOT, f"{BLIND}{metric}", task=task, k=k).text)
        if beyond := over_cells(measures, arm, single, by_value):
            return beyond
    return None


def _nothing(cell: CellResult) -> None:
    return None
