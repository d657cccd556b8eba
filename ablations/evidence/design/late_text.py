"""Claims on how much easier late text is, which it is for a model without context too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ablations.core.metrics.late_minus_early import CUT, LateMinusEarly
from ablations.evidence.design.base import Design, DesignCheck


class LateText(DesignCheck):
    """A claim rests on the loss of late text less that of early text, whatever of it comes from context."""

    kind: ClassVar[str] = "late_text"
    refuses: ClassVar[bool] = False

    def concerns(self, design: Design) -> Iterator[str]:
        for measure in sorted({measure for claim in design.study.claims for measure in claim.measures_named()}):
            metric, _, reading = measure.partition(".")
            if metric == LateMinusEarly.kind and not reading.endswith(f".{CUT}"):
                source = reading.partition(".")[0] or "pooled"
                yield (
                    f"claims on {measure}: late text is easier or harder by itself, so that a model without context has such a "
                    f"number too. What context gives is {metric}.{source}.{CUT}, and copying is context_gain.{source}.order"
                )
