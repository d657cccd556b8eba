"""What a few-shot task is: some texts around a row, and its possible answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from curation.runtime.registry import Registry

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Example:
    """One question with its possible answers. An answer begins with the space that separates it from the prompt."""

    prompt: str
    choices: tuple[str, ...]
    gold: int


class FewShotTask(ABC):
    """A task: data, and one pure function from a row to an example.

    `instruction` stands once before the demonstrations; `separator` follows it and each demonstration.
    """

    kind: ClassVar[str]
    version: ClassVar[int]  # raise it when a prompt changes: old scores then stop being comparable
    sample: ClassVar[Row]  # one row; tested, and shown in the docs
    shots: ClassVar[tuple[int, ...]] = (0, 1, 2, 4, 8)
    instruction: ClassVar[str] = ""
    separator: ClassVar[str] = "\n\n"

    @abstractmethod
    def example(self, row: Row) -> Example:
        """The question that a row asks. The same row gives the same example."""

    def text_fields(self) -> tuple[str, ...]:
        """Fields of a row that hold its question and context, by which decontamination finds it in a corpus.

        Those texts of `sample` that stand in its prompt or among its choices; overridden where one of them is no text of
        the task's own, such as a label or a single word.
        """
        example = self.example(self.sample)
        shown = (example.prompt, *example.choices)
        texts = {name: value for name, value in self.sample.items() if isinstance(value, str) and value}
        return tuple(name for name, value in texts.items() if any(value in text for text in shown))


TASKS: Registry[FewShotTask] = Registry("ablations.core.tasks", "FewShotTask", "loam.tasks", "task")
