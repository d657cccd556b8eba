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
            steps, warm_up = design.steps(arm), int(cells.schedule.settings["warmup_steps"] or 0)
            if warm_up >= steps:
                shortened = design.study.equal == "epochs" and arm in design.study.arms
                about = "about " if shortened and design.is_estimated(arm) else ""
                why = " under equal: epochs" if shortened else ""
                yield (
                    f"cells.schedule of {arm}: {warm_up} warm-up steps, and the run has {about}{steps}{why}. "
                    "Lower warmup_steps, or give more tokens"
                )
