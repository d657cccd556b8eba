"""Look-up of what was measured, by measure, arm and seed, and the few measures that stand for all."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ablations.report.contract import Arm, Measure
from ablations.report.wording import words
from curation.dashboard.numbers import mean

GAP = re.compile(r"few_shot\.(?P<task>.+)\.k(?P<k>\d+)\.permuted_minus_gold")
WHOLE = ("common", "pooled")  # readings over all sources, the one that is the same for all arms first
BITS = "bits_per_byte"


class Values:
    """Values of a report. An arm or measure that is not known has none.

    Attributes:
        real, controls: names of arms, in the order of the study.
    """

    def __init__(self, measures: Sequence[Measure], arms: Sequence[Arm]) -> None:
        self._by_name = {m["measure"]: m for m in measures}
        if BITS not in self._by_name and (whole := _mean_bits(measures, arms)):
            self._by_name[BITS] = whole
        control = {arm["arm"] for arm in arms if arm["control"]}
        names = dict.fromkeys([*(arm["arm"] for arm in arms), *(name for m in measures for name in m["arms"])])
        self.real = [name for name in names if name not in control]
        self.controls = [name for name in names if name in control]

    def __contains__(self, measure: str) -> bool:
        return measure in self._by_name

    def names(self) -> list[str]:
        return list(self._by_name)

    def of(self, measure: str, arm: str) -> dict[str, float]:
        """Seed -> value, those that were measured."""
        found = self._by_name.get(measure)
        seeds = found["arms"].get(arm, {}) if found else {}
        return {seed: value for seed, value in seeds.items() if value is not None}

    def mean(self, measure: str, arm: str) -> float | None:
        return mean(self.of(measure, arm).values())

    def unit(self, measure: str) -> str:
        return self._by_name[measure]["unit"] if measure in self._by_name else ""

    def lower_is_better(self, measure: str) -> bool | None:
        return self._by_name[measure]["lower_is_better"] if measure in self._by_name else None

    def title(self, measure: str) -> str:
        return "bits per byte, mean over sources" if measure == BITS else words(measure)

    def gaps(self) -> dict[str, str]:
        """Task -> its measure of what permuted labels cost, at the largest k."""
        largest: dict[str, int] = {}
        for name in self._by_name:
            if found := GAP.fullmatch(name):
                largest[found["task"]] = max(int(found["k"]), largest.get(found["task"], 0))
        return {task: f"few_shot.{task}.k{k}.permuted_minus_gold" for task, k in largest.items()}

    def whole(self, metric: str, ending: str = "") -> list[str]:
        """The reading over all sources, if there is one."""
        names = [f"{metric}.{each}{ending}" for each in WHOLE]
        return [name for name in names if name in self._by_name][:1]

    def bits(self) -> list[str]:
        return self.whole(BITS) or [name for name in (BITS,) if name in self._by_name]

    def primary(self) -> list[str]:
        """The measures that speak for a study, the most important first."""
        single = ("heads.prefix_matching.max", "repeated_tokens.first_minus_second")
        return [
            *self.gaps().values(),
            *self.whole("late_minus_early"),
            *self.whole("late_minus_early", ".icl_score"),
            *self.bits(),
            *(name for name in single if name in self._by_name),
        ]


def _mean_bits(measures: Sequence[Measure], arms: Sequence[Arm]) -> Measure | None:
    """Bits per byte over the sources that every real arm was measured on; a mean over other sources compares nothing."""
    control = {arm["arm"] for arm in arms if arm["control"]}
    of_bits = [m for m in measures if m["metric"] == BITS]
    real = [name for name in dict.fromkeys(name for m in of_bits for name in m["arms"]) if name not in control]
    shared = [m for m in of_bits if all(name in m["arms"] for name in real)]
    if not real or not shared:
        return None
    values = {arm: {s: _mean_of_all(shared, arm, s) for s in shared[0]["arms"][arm]} for arm in real}
    return {**shared[0], "measure": BITS, "n": None, "arms": values}


def _mean_of_all(measures: Sequence[Measure], arm: str, seed: str) -> float | None:
    found = [m["arms"][arm].get(seed) for m in measures]
    return None if None in found else mean(found)
