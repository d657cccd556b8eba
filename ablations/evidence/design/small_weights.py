"""Sources whose weight is too small for the windows of a block to be in proportion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ablations.core.data.mixture import BLOCK
from ablations.evidence.design.base import Design, DesignCheck
from ablations.settings.block_windows import block_windows


class SmallWeights(DesignCheck):
    """A source has a weight of less than one window in 1,024, so that cells read more of it than the weight says."""

    kind: ClassVar[str] = "small_weights"
    refuses: ClassVar[bool] = True

    def concerns(self, design: Design) -> Iterator[str]:
        for arm in design.study.arms:
            mixture = design.study.mixture(arm)
            windows = block_windows(mixture)
            for source, weight in mixture.items():
                share = weight / sum(mixture.values())
                if share * BLOCK < 1:
                    yield (
                        f"arms.{arm}.mixture.{source}: its weight is {share * BLOCK:.3g} windows in {BLOCK}, and cells read "
                        f"{windows[source]}. Raise it, or leave the source out"
                    )
