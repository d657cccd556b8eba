"""Claims on emergence whose cells are measured too rarely for it to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ablations.claims.emergence_claim import EmergenceClaim
from ablations.evidence.design.base import Design, DesignCheck
from ablations.statistics.emergence import IN_A_ROW

LEAST = IN_A_ROW - 1  # along the way: the last evaluation is at the end


class FewEvaluations(DesignCheck):
    """A claim on emergence, which is seen at two evaluations in a row, is about cells with fewer after the start."""

    kind: ClassVar[str] = "few_evaluations"
    refuses: ClassVar[bool] = True

    def concerns(self, design: Design) -> Iterator[str]:
        claims = [claim for claim in design.study.claims if isinstance(claim, EmergenceClaim)]
        for arm in sorted({arm for claim in claims for arm in claim.arms_named()}):
            if design.cells[arm].evaluations < LEAST:
                yield (
                    f"cells.evaluations of {arm}: {design.cells[arm].evaluations}, and its claims count a seed that is above "
                    f"its limits at {IN_A_ROW} evaluations in a row after the start. Ask for {LEAST} at least, better for 10"
                )
