"""Stands where a tokenizer stands: one token a letter, so that tokens can be read; and small tasks of its tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ablations.prompts.demos import Design
from ablations.prompts.orders.registry import ORDERS
from ablations.prompts.prompts import task_items
from ablations.prompts.selections.registry import SELECTIONS
from ablations.prompts.tasks.base import FewShotTask
from ablations.prompts.tasks.questions import Question, questions
from ablations.prompts.tasks.template import Template


class Letters:
    """`pairs` are letters that are one piece when they stand together, as pieces of real vocabularies do."""

    bos = 1

    def __init__(self, has_break: bool = True, pairs: Mapping[str, str] | None = None) -> None:
        self.has_break, self.pairs = has_break, pairs or {}
        self.line_ends = (2, ord("\n"))

    def encode(self, text: str) -> list[int]:
        for pair, piece in self.pairs.items():
            text = text.replace(pair, piece)
        return [ord(letter) for letter in text]

    encode_after_break = encode


def text_of(tokens: Iterable[int]) -> str:
    return "".join(map(chr, tokens))


class Mood(FewShotTask):
    """All rows offer the same answers."""

    kind: ClassVar[str] = "mood"
    version: ClassVar[int] = 1
    sample: ClassVar = {"text": "a", "label": 0}
    shots: ClassVar = (0, 1, 3)
    metrics: ClassVar = ("accuracy",)
    templates: ClassVar = (
        Template(query="{text} ", cue="=", choices=(" bad", " good"), instruction="mood?"),
        Template(query="{text}\n", cue="so", choices=(" sad", " glad")),
    )


class Capital(FewShotTask):
    """Each row offers answers of its own."""

    kind: ClassVar[str] = "capital"
    version: ClassVar[int] = 1
    sample: ClassVar = {"of": "a", "is": "b", "label": 0}
    shots: ClassVar = (0, 1, 2, 4)
    templates: ClassVar = (
        Template(query="{of}", cue=":", choices=(" {is}", " x")),
        Template(query="capital of {of}", cue=" is", choices=(" {is}", " x")),
    )


class Copy(FewShotTask):
    """The answer is written."""

    kind: ClassVar[str] = "copy"
    version: ClassVar[int] = 1
    sample: ClassVar = {"text": "a", "said": ["a", "A"]}
    shots: ClassVar = (0, 2)
    metrics: ClassVar = ("exact_match",)
    max_tokens: ClassVar = 7
    templates: ClassVar = (
        Template(query="{text}", cue=" ->", answer=" {answer}"),
        Template(query="say {text}", cue=":", answer=" {answer}"),
    )

    def answers(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(row["said"])


ROWS: dict[str, list[dict[str, Any]]] = {
    "mood": [{"text": f"day {i}", "label": i % 2} for i in range(16)],
    "capital": [{"of": f"land{i}", "is": f"town{i}", "label": 0} for i in range(16)],
    "copy": [{"text": f"w{i}", "said": [f"w{i}", f"W{i}"]} for i in range(16)],
}
POOL = 12  # rows; the others are asked


def asked(task: FewShotTask, rows: Sequence[Mapping[str, Any]]) -> list[Question]:
    return questions(task, rows, "rows.jsonl")[0]


def items_of(
    task: FewShotTask,
    pool: Sequence[Mapping[str, Any]] | None = None,
    queries: Sequence[Mapping[str, Any]] | None = None,
    encoder: Letters | None = None,
    context: int = 1000,
    measure: Any = None,
    **design: Any,
) -> Any:
    """Items of a task of its own rows or others, of two draws; selection and order by their names."""
    members: dict[str, Any] = {"selection": SELECTIONS, "order": ORDERS}
    design = {key: members[key].get(value)() if key in members else value for key, value in design.items()}
    rows = ROWS[task.kind]
    return task_items(
        task,
        asked(task, rows[:POOL] if pool is None else pool),
        asked(task, rows[POOL:] if queries is None else queries),
        encoder or Letters(),
        context,
        Design(**{"shots": task.shots, "draws": 2, **design}),
        measure,
    )


def groups_of(made: Any, **wanted: Any) -> list[Any]:
    """Those groups whose attributes are as wanted."""
    return [g for g in made.groups if all(getattr(g, name) == value for name, value in wanted.items())]


def prompt_of(group: Any, place: int = 0) -> str:
    """Everything that stands before the answer, BOS left out."""
    return text_of((*group.prefix[1:], *group.items[place].prompt))
