"""A learned vector for each place. Source: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 3.5."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablations.core.model.positions.base import Positions

if TYPE_CHECKING:
    from torch import Tensor

    from ablations.core.spec.model_spec import ModelShape


@dataclass(frozen=True, kw_only=True)
class Learned(Positions):
    """A vector for each place of the context is added to the embedding of its token."""

    kind: ClassVar[str] = "learned"

    def weights(self, shape: ModelShape) -> Mapping[str, tuple[int, ...]]:
        return {"table_TW": (shape.context, shape.width)}

    def embedded(self, x_BTW: Tensor, places: Tensor, own: Mapping[str, Tensor]) -> Tensor:
        return x_BTW + own["table_TW"][places]

    def previous_token(self, shape: ModelShape) -> float:
        """Where every place has to be told from every other: their vectors are as far apart as those of a simplex at most.

        Heads that are as wide as the context reach it, narrower ones stay below.
        """
        if not shape.qk_norm:
            return 1.0
        others = shape.context - 1
        return 1 / (1 + others * math.exp(-shape.sharpness * (1 + 1 / others)))
