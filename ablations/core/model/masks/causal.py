"""Every position sees those up to itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.core.model.masks.base import Mask


@dataclass(frozen=True, kw_only=True)
class Causal(Mask):
    """Every position sees those up to itself."""

    kind: ClassVar[str] = "causal"

    def prefixes(self, step: int, steps: int, inputs: int, draws: NDArray[np.uint64]) -> NDArray[np.int64] | None:
        return None
