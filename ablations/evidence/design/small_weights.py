"""Sources whose weight is too small for a block of windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ablations.core.data.mixture import BLOCK, apportion
from ablations.evidence.design.base import Design, DesignCheck
from ablations.settings.cells import whole_weights


class SmallWeights(DesignCheck):
    """A source has less than one window in 1,024, so that its cells would stop at their start."""

    kind: ClassVar[str] = "small_weights"
    refuses: ClassVar[bool] = True

    def concerns(self, design: Design) -> Iterator[str]:
        for arm in design.study.arms:
            weights = whole_weights(design.study.mixture(arm))
            counts = apportion([float(weight) for weight in weights.values()], BLOCK)
            for source, count in zip(weights, counts, strict=True):
                if count == 0:
                    yield f"arms.{arm}.mixture.{source}: less than one window in {BLOCK}. Raise its weight, or leave it out"
