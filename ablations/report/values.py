"""Look-up of what was measured for the page: real arms and controls apart, and the few primary measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ablations.report.contents import TrainedArm
from ablations.statistics.measures import Measure, Measures
from curation.dashboard.numbers import mean

WHOLE = ("common", "pooled")  # sources of readings over all sources, the one that is the same for all arms first
BITS, CONTEXT, OLSSON = "bits_per_byte", "late_minus_early", "icl_score"
MATCHING, COPYING = ("heads", "prefix_matching.max"), ("repeated_tokens", "first_minus_second")


class Values(Measures):
    """Values of a report.

    Attributes:
        real, controls: names of arms, in the order of the study.
    """

    def __init__(self, measures: Sequence[Measure], arms: Sequence[TrainedArm]) -> None:
        super().__init__(measures)
        control = {arm.arm for arm in arms if arm.control}
        names = dict.fromkeys([*(arm.arm for arm in arms), *(name for m in measures for name in m.arms)])
        self.real = [name for name in names if name not in control]
        self.controls = [name for name in names if name in control]
        if BITS not in self.rows and (whole := self._mean_bits()):
            self.rows[BITS] = whole

    def _mean_bits(self) -> Measure | None:
        """Bits per byte over the sources that every real arm was measured on; a mean over other sources compares nothing."""
        of_bits = [m for m in self.rows.values() if m.metric == BITS]
        real = [name for name in dict.fromkeys(name for m in of_bits for name in m.arms) if name in self.real]
        shared = [m for m in of_bits if all(name in m.arms for name in real)]
        if not real or not shared:
            return None
        values = {arm: {s: _mean_of_all(shared, arm, s) for s in shared[0].arms[arm]} for arm in real}
        words = "bits per byte, mean over sources"
        return replace(shared[0], measure=BITS, source="", words=words, short=words, n={}, arms=values)

    def whole(self, metric: str, reading: str = "") -> list[str]:
        """The reading over all sources, if there is one."""
        return [name for source in WHOLE for name in self.find(metric, reading, source=source)][:1]

    def bits(self) -> list[str]:
        return self.whole(BITS) or self.find(BITS, source="")

    def primary(self) -> list[str]:
        """The primary measures of a study, the most important first."""
        return [
            *(gain.measure for gain in self.gains().values()),
            *self.whole(CONTEXT),
            *self.whole(CONTEXT, OLSSON),
            *self.bits(),
            *self.find(*MATCHING),
            *self.find(*COPYING),
        ]


def _mean_of_all(measures: Sequence[Measure], arm: str, seed: int) -> float | None:
    found = [m.arms[arm].get(seed) for m in measures]
    return None if None in found else mean(found)
