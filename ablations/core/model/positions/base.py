"""The interface of a way to give positions: a user's settings, and what they do to embeddings, queries and keys.

Settings are checked long before a cell trains, so nothing here imports torch before it is needed.

Shapes: B sequences, T positions, W width, H heads, D width of a head. Places are numbers from 0, of shape (T) or (B, T).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ablations.core.spec.strict import Problem

if TYPE_CHECKING:
    from torch import Tensor

    from ablations.core.spec.model_spec import ModelShape


@dataclass(frozen=True, kw_only=True)
class Positions(ABC):
    """One way to tell a model where a token stands. The first line of its docstring describes it.

    Its fields are its settings, under `model: {positions: ...}` of a study's cells. A key carries all that is known of its place,
    so that kept keys serve whatever follows them.
    """

    kind: ClassVar[str]

    def tables(self, shape: ModelShape) -> Mapping[str, Tensor]:
        """Fixed numbers that the other functions read, by name."""
        return {}

    def weights(self, shape: ModelShape) -> Mapping[str, tuple[int, ...]]:
        """Names and shapes of what is trained; initialised like embeddings."""
        return {}

    def embedded(self, x_BTW: Tensor, places: Tensor, own: Mapping[str, Tensor]) -> Tensor:
        """The embeddings of tokens at these places. `own`: the tables and weights."""
        return x_BTW

    def at(self, places: Tensor, own: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """What `turned` needs to know of these places: computed once for all layers."""
        return ()

    def turned(self, q_BHTD: Tensor, k_BHTD: Tensor, at: tuple[Tensor, ...], scale: float) -> tuple[Tensor, Tensor]:
        """Queries and keys that know their places; they may become wider. Their product times `scale` is the logit."""
        return q_BHTD, k_BHTD

    @abstractmethod
    def previous_token(self, shape: ModelShape) -> float:
        """The largest attention that position alone can give to the token before, at the end of a full context: 0 to 1."""

    def problems(self) -> list[Problem]:
        return []
