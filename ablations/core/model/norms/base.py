"""The interface of a normalisation of the residual stream, and where it stands in a block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ablations.core.spec.strict import Problem

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Norm(ABC):
    """One normalisation, without weights. The first line of its docstring describes it.

    Its fields are its settings, under `model: {norm: ...}` of a study's cells. Every norm has a `place`: `pre`, before attention
    and MLP, whose results are added to the stream as they are; or `post`, after each addition.

    Source of the two places: Xiong et al. 2020, https://arxiv.org/abs/2002.04745.
    """

    kind: ClassVar[str]
    place: Literal["pre", "post"] = "pre"

    @abstractmethod
    def normalised(self, x: Tensor) -> Tensor:
        """Over the last dimension."""

    def problems(self) -> list[Problem]:
        return []
