"""The interface of a nuisance: what a verdict should not depend on, and the other values at which its arms are run again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ablations.settings.cells import CellSettings
from ablations.settings.tokenizers import ArmTokenizer


@dataclass(frozen=True)
class VariedArm:
    """What a nuisance sees of an arm: its settings, those of the study merged in."""

    cells: CellSettings
    tokenizer: ArmTokenizer


@dataclass(frozen=True)
class Change:
    """What is laid over an arm's `cells` and `tokenizer` in a variant, and the variant in words.

    Attributes:
        instead: whether `tokenizer` stands in the place of what the arm says of its tokenizer, so that only the study's settings
            are below it.
    """

    words: str
    cells: Mapping[str, Any] = field(default_factory=dict)
    tokenizer: Mapping[str, Any] = field(default_factory=dict)
    instead: bool = False


class Nuisance(ABC):
    """One nuisance. The first line of its docstring says what it is; a claim names it under `robust_over`."""

    kind: ClassVar[str]

    @abstractmethod
    def as_it_is(self, compared: Sequence[VariedArm]) -> str:
        """The value that arms which are compared have as they are written, in words."""

    @abstractmethod
    def variants(self, arm: VariedArm, compared: Sequence[VariedArm]) -> Mapping[str, Change]:
        """The other values of an arm: what is added to its name (lower-case letters, digits and _) -> what changes.

        Args:
            compared: all arms with which it is compared, itself among them. Each of these has to get variants of the same names;
                one that already has a value gets a change of nothing, and then stands for its variant itself.
        """
