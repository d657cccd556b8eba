"""Look-up of what was measured, by measure, arm and seed, and the few measures that stand for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ablations.core.results.readings import FEW_SHOT, GAIN, Better
from ablations.report.contents.contract import Arm, Measure
from ablations.report.contents.wording import words
from curation.dashboard.numbers import mean

WHOLE = ("common", "pooled")  # sources of readings over all sources, the one that is the same for all arms first
BITS, CONTEXT, OLSSON = "bits_per_byte", "late_minus_early", "icl_score"
MATCHING, COPYING = ("heads", "prefix_matching.max"), ("repeated_tokens", "first_minus_second")


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

    def rows(self) -> list[Measure]:
        return list(self._by_name.values())

    def find(self, metric: str, reading: str = "", **fields: Any) -> list[str]:
        """Names of the measures of a reading, about no other reading.

        Args:
            fields: what else they must have: `source`, `task`, `k`, `condition`.
        """
        wanted = {"metric": metric, "reading": reading, "of": "", **fields}
        rows: Mapping[str, Mapping[str, object]] = self._by_name
        return [name for name, row in rows.items() if all(row[key] == value for key, value in wanted.items())]

    def shots(self, task: str, k: int, condition: str, reading: str) -> str:
        """Name of a few-shot measure; empty where it was not measured."""
        return next(iter(self.find(FEW_SHOT, reading, task=task, k=k, condition=condition)), "")

    def of(self, measure: str, arm: str) -> dict[str, float]:
        """Seed -> value, those that were measured."""
        found = self._by_name.get(measure)
        seeds = found["arms"].get(arm, {}) if found else {}
        return {seed: value for seed, value in seeds.items() if value is not None}

    def mean(self, measure: str, arm: str) -> float | None:
        return mean(self.of(measure, arm).values())

    def unit(self, measure: str) -> str:
        return self._by_name[measure]["unit"] if measure in self._by_name else ""

    def better(self, measure: str) -> Better:
        return self._by_name[measure]["better"] if measure in self._by_name else None

    def title(self, measure: str) -> str:
        return self._by_name[measure]["words"] if measure in self._by_name else words(measure)

    def gaps(self) -> dict[str, Measure]:
        """Task -> its measure of what permuted labels cost, at the largest k."""
        rows = [self._by_name[name] for name in self.find(FEW_SHOT, GAIN)]
        largest = {row["task"]: row for row in sorted(rows, key=lambda row: row["k"] or 0)}
        return {task: largest[task] for task in dict.fromkeys(row["task"] for row in rows)}

    def whole(self, metric: str, reading: str = "") -> list[str]:
        """The reading over all sources, if there is one."""
        return [name for source in WHOLE for name in self.find(metric, reading, source=source)][:1]

    def bits(self) -> list[str]:
        return self.whole(BITS) or self.find(BITS, source="")

    def primary(self) -> list[str]:
        """The measures that speak for a study, the most important first."""
        return [
            *(gap["measure"] for gap in self.gaps().values()),
            *self.whole(CONTEXT),
            *self.whole(CONTEXT, OLSSON),
            *self.bits(),
            *self.find(*MATCHING),
            *self.find(*COPYING),
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
    said = "bits per byte, mean over sources"
    return {**shared[0], "measure": BITS, "source": "", "words": said, "short": said, "n": {}, "arms": values}


def _mean_of_all(measures: Sequence[Measure], arm: str, seed: str) -> float | None:
    found = [m["arms"][arm].get(seed) for m in measures]
    return None if None in found else mean(found)
