"""Learning rates that never rise to what the study says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ablations.evidence.design.base import Design, DesignCheck


class LongWarmUp(DesignCheck):
    """The learning rate still rises when the run ends."""

    kind: ClassVar[str] = "long_warm_up"
    refuses: ClassVar[bool] = True

    def concerns(self, design: Design) -> Iterator[str]:
        for arm, cells in design.cells.items():
            schedule = cells.schedule
            steps = schedule.tokens // (schedule.batch * cells.model.context)
            warm_up = int(schedule.settings["warmup_steps"] or 0)
            if warm_up >= steps:
                yield (
                    f"cells.schedule of {arm}: {warm_up} warm-up steps, and the run has {steps}. "
                    "Lower warmup_steps, or give more tokens"
                )
