"""Prefix language models. Source: Raffel et al. 2019, https://arxiv.org/abs/1910.10683, section 3.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.core.model.masks.base import Mask
from ablations.core.spec.strict import Problem


@dataclass(frozen=True, kw_only=True)
class Prefix(Mask):
    """The tokens of a prefix see one another; those after it see what is before them, and only they are learned from.

    Each window draws the length of its prefix, from none to all but one of its tokens. `causal_share` of the steps come first
    without any: a causal model that is then continued as a prefix model (Wang et al. 2022, https://arxiv.org/abs/2204.05832).
    """

    kind: ClassVar[str] = "prefix"
    both_ways: ClassVar[bool] = True
    causal_share: float = 0.0

    def prefixes(self, step: int, steps: int, inputs: int, draws: NDArray[np.uint64]) -> NDArray[np.int64] | None:
        if step < self.causal_share * steps:
            return None
        return (draws % np.uint64(inputs)).astype(np.int64)

    def problems(self) -> list[Problem]:
        if 0 <= self.causal_share < 1:
            return []
        return [("causal_share", f"{self.causal_share} is no share that leaves steps", "Give 0 to below 1")]
