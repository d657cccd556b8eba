"""No positions: only the causal mask says what came before. Source: Kazemnejad et al. 2023, https://arxiv.org/abs/2305.19466."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablations.core.model.positions.base import Positions

if TYPE_CHECKING:
    from ablations.core.spec.model_spec import ModelShape


@dataclass(frozen=True, kw_only=True)
class Nope(Positions):
    """Nothing but the causal mask tells where a token stands."""

    kind: ClassVar[str] = "nope"

    def previous_token(self, shape: ModelShape) -> float:
        """In one layer all places look alike."""
        return 1 / shape.context
