"""The interface of a nuisance: what a verdict should not depend on, and the other values at which its arms are run again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ablations.settings.cells import CellSettings
from ablations.settings.tokenizers import ArmTokenizer


@dataclass(frozen=True)
class Change:
    """What is laid over an arm's `cells` and `tokenizer` in a variant, and the variant in words."""

    words: str
    cells: Mapping[str, Any] = field(default_factory=dict)
    tokenizer: Mapping[str, Any] = field(default_factory=dict)


class Nuisance(ABC):
    """One nuisance. The first line of its docstring says what it is; a claim names it under `robust_over`."""

    kind: ClassVar[str]

    @abstractmethod
    def as_it_is(self, cells: CellSettings, tokenizer: ArmTokenizer) -> str:
        """The arm's own value in words."""

    @abstractmethod
    def variants(self, cells: CellSettings, tokenizer: ArmTokenizer) -> Mapping[str, Change]:
        """The other values of an arm: what is added to its name (lower-case letters, digits and _) -> what changes."""
