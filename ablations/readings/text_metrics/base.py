"""The interface of a text metric: written answers of one draw and their references in, one number out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

References = Sequence[Sequence[str]]  # texts that count as right, of each item
Example = tuple[Sequence[str], References, float]  # answers, references, their score


class TextMetric(ABC):
    """One way to score written answers. The first line of its docstring defines the number.

    Attributes:
        kind: what a task lists under `metrics`.
        reading: the name of its reading; the kind, if a class sets no other. Those of several
            languages share one, as `bleu_en` and `bleu_ko` are both `bleu`, and then a task has one of them.
        unit: such as "F1, 0 to 1".
        better: which way is better; None where neither is.
        words: its name in sentences and on axes.
        of_one_answer: whether a single answer has a meaningful score, which `explain` then shows with each.
        examples: tested, and shown in the docs.
    """

    kind: ClassVar[str]
    version: ClassVar[int]  # raise it when a number changes: what was kept is then computed again
    reading: ClassVar[str]
    unit: ClassVar[str]
    better: ClassVar[Literal["higher", "lower"] | None] = "higher"
    words: ClassVar[str]
    of_one_answer: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]]

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if "kind" in vars(cls) and "reading" not in vars(cls):
            cls.reading = cls.kind

    @abstractmethod
    def score(self, answers: Sequence[str], references: References) -> float:
        """Of one draw's answers, at least one, each with its references, at least one."""

    def signature(self) -> str:
        """The exact settings of the last score, where a tool reports them, as sacreBLEU does; else empty."""
        return ""
