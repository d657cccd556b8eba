"""The interface of an optimizer: a user's settings, and the torch optimizers that update the weights by them.

Settings are checked long before a cell trains, so nothing here imports torch before it is needed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Optimizer(ABC):
    """One way to update weights. The first line of its docstring describes which weights it updates how.

    Its fields are its settings, under `optimizer:` of a study's cells: numbers, words, true or false. All of them, defaults
    included, are part of a cell's identity. A method `problems` lists values that cannot be used (`ablations/core/spec/strict.py`).
    """

    kind: ClassVar[str]

    @abstractmethod
    def steppers(self, model: nn.Module) -> Sequence[torch.optim.Optimizer]:
        """Those that together step every weight once, each group with its peak learning rate as `lr`; a schedule scales it."""


def hidden_and_others(model: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """The matrices between activations, and the rest: embedding, output and other tables of vectors, and single numbers."""
    weights: dict[str, Tensor] = dict(model.named_parameters())
    hidden = {name: weight for name, weight in weights.items() if name.startswith("blocks.") and weight.ndim == 2}
    return list(hidden.values()), [weight for name, weight in weights.items() if name not in hidden]
