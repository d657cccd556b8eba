"""Claims that ask for less than what a mean of seeds with and without a switch can show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ablations.evidence.design.base import Design, DesignCheck
from ablations.statistics.switches import NEGLIGIBLE, switches


class SmallSwitches(DesignCheck):
    """A claim's smallest effect is below what counts in a measure that switches in some seeds and not in others."""

    kind: ClassVar[str] = "small_switches"
    refuses: ClassVar[bool] = False

    def concerns(self, design: Design) -> Iterator[str]:
        for claim in design.study.claims:
            smallest = claim.wanted()
            if smallest is not None and smallest < NEGLIGIBLE and switches(claim.planned_measure()):
                yield (
                    f"claim {claim.sentence()!r}: its smallest effect is {smallest:g}, and {claim.planned_measure()} switches "
                    f"in some seeds and not in others, so that an effect below {NEGLIGIBLE:g} decides nothing unless every "
                    f"seed has switched. Ask for {NEGLIGIBLE:g} at least, or count seeds with share_emerges or share_differs"
                )
