"""The interface of a few-shot task: rows of a file, the texts around them, and what counts as a right answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ablations.prompts.tasks.template import Template
from curation.runtime.errors import ConfigError

TaskRow = Mapping[str, Any]

LEAST_TEMPLATES = 2  # a result of one wording is as much about the wording as about the model


@dataclass(frozen=True)
class Example:
    """One question with its possible answers. An answer begins with the space that separates it from the prompt.

    Of a task whose answer is written, `choices` holds the one answer that demonstrations show, and `references` all that count
    as right.
    """

    prompt: str
    choices: tuple[str, ...]
    gold: int
    references: tuple[str, ...] = ()


class FewShotTask:
    """A task is one file: where its rows are, at least two templates of patterns over a row's fields, and which answer is right.

    A simple task only sets values. Others override `fields`, `gold` or `answers`, each a pure function of a row.

    Attributes:
        sample: one row; tested, and shown in the docs.
        templates: the first is the default; all have equally many choices, or all a written answer.
        pool, queries: files with rows to draw demonstrations from and to ask about, relative to the recipe's data_root.
        gold_field: the field that holds the right choice.
        labels: that field's values in the order of the choices; empty when it holds the choice's number, counted from 0.
        metrics: readings beside negative log-likelihood, margin and accuracy: label metrics where all rows offer the same
            choices, text metrics where the answer is written. `ablations.prompts.task_files` knows their names.
        max_tokens: the longest answer that is written.
        group: the field whose value several rows share because they ask about one thing, such as a paragraph: such rows are no
            independent items, and intervals count the groups. Empty where rows stand alone.
        text_keys: fields by which decontamination finds a row in a corpus; see `text_fields`.
    """

    kind: ClassVar[str]
    version: ClassVar[int]  # raise it when a prompt changes: old scores then stop being comparable
    sample: ClassVar[TaskRow]
    templates: ClassVar[tuple[Template, ...]] = ()
    pool: ClassVar[str] = ""
    queries: ClassVar[str] = ""
    gold_field: ClassVar[str] = "label"
    labels: ClassVar[tuple[str | int | bool, ...]] = ()
    metrics: ClassVar[tuple[str, ...]] = ()
    shots: ClassVar[tuple[int, ...]] = (0, 1, 2, 4, 8)
    max_tokens: ClassVar[int] = 32
    group: ClassVar[str] = ""
    text_keys: ClassVar[tuple[str, ...]] = ()

    def __init__(self, template: int = 1, group: str | None = None) -> None:
        """The task with one of its templates, counted from 1, and rows grouped by another field than its own, or by none ("").

        Raises:
            ConfigError: it has no template of that number.
        """
        if self.templates and not 1 <= template <= len(self.templates):
            raise ConfigError(f"task {self.kind}: no template {template}. Give 1 to {len(self.templates)}.")
        self.number = template
        self.group_field = self.group if group is None else group

    @property
    def template(self) -> Template:
        return self.templates[self.number - 1]

    @property
    def written(self) -> bool:
        """Whether the answer is written by the model, not chosen."""
        return not self.template.choices

    @property
    def shared_choices(self) -> tuple[str, ...]:
        """The choices, when all rows offer the same; else none."""
        return () if self.template.choice_fields else self.template.choices

    def fields(self, row: TaskRow) -> Mapping[str, Any]:
        """What templates may name: the row's fields, texts without stray space and without line breaks.

        A line break inside a text would look like the end of a demonstration, and a model would be asked to tell them apart.
        """
        return {name: on_one_line(value) if isinstance(value, str) else value for name, value in row.items()}

    def gold(self, row: TaskRow) -> int:
        """The number of the right choice, counted from 0.

        Raises:
            ValueError: the row has none, or one that is no choice.
        """
        value = row.get(self.gold_field)
        if value is None or value == "":
            raise ValueError(f"no gold answer: nothing under {self.gold_field!r}")
        return self._number(value)

    def answers(self, row: TaskRow) -> tuple[str, ...]:
        """Texts that count as right when the answer is written; demonstrations show the first."""
        return (self.template.shown(self.template.answer, self.fields(row)).strip(),)

    def example(self, row: TaskRow) -> Example:
        """The question that a row asks. The same row gives the same example.

        Raises:
            ValueError, KeyError: the row has no right answer, or lacks a field.
        """
        fields = self.fields(row)
        prompt = self.template.prompt(fields)
        if not self.written:
            return self._chosen(prompt, self.template.choices_of(fields), self.gold(row))
        references = self.answers(row)
        answer = self.template.shown(self.template.answer, {**fields, "answer": references[0] if references else ""})
        if not references or not all(map(str.strip, (answer, *references))):
            raise ValueError("an empty answer")
        return Example(prompt, (answer,), 0, references)

    def question(self, row: TaskRow) -> str:
        """What a row asks, in the first template's words: rows of one question are one, whatever their ids and dates."""
        first, fields = self.templates[0], self.fields(row)
        return "\n".join((first.prompt(fields), *first.choices_of(fields)))

    def text_fields(self) -> tuple[str, ...]:
        """Fields of a row that hold its question and context, by which decontamination finds it in a corpus.

        `text_keys`, else those texts of `sample` that appear in its prompt or among its choices. Name them where one of these is
        no text of the task's own, such as a label or a single word.
        """
        if self.text_keys:
            return self.text_keys
        example = self.example(self.sample)
        shown = (example.prompt, *example.choices)
        texts = {name: value for name, value in self.sample.items() if isinstance(value, str) and value}
        texts.pop(self.gold_field, None)
        return tuple(name for name, value in texts.items() if any(value in text for text in shown))

    @classmethod
    def check(cls) -> None:
        """Refuse a task that lacks a part, before any row is read.

        Raises:
            ConfigError: names the task and what is missing.
        """
        for name in ("version", "sample"):
            if not getattr(cls, name, None):
                raise ConfigError(f"task {cls.kind}: no {name}. Set it in the task's file.")
        if cls.example is not FewShotTask.example:
            raise ConfigError(f"task {cls.kind}: example() is not for overriding. Write templates and fields().")
        _check_templates(cls)
        try:
            for number in range(1, len(cls.templates) + 1):
                cls(number).example(cls.sample)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            problem = f"no field {error}" if isinstance(error, KeyError) else error
            raise ConfigError(
                f"task {cls.kind}: its sample makes no example: {problem}. Mend the task's file."
            ) from error

    def _number(self, value: Any) -> int:
        choices = len(self.template.choices)
        if self.labels:
            if value not in self.labels:
                told = ", ".join(map(str, self.labels))
                raise ValueError(f"{self.gold_field} {value!r} is not among the labels {told}")
            return self.labels.index(value)
        text = str(value)
        if isinstance(value, bool) or not text.isdecimal() or int(text) >= choices:
            raise ValueError(f"{self.gold_field} {value!r} is none of the choices' numbers 0 to {choices - 1}")
        return int(text)

    def _chosen(self, prompt: str, choices: tuple[str, ...], gold: int) -> Example:
        if not all(map(str.strip, choices)):
            raise ValueError("an empty answer among the choices")
        if not 0 <= gold < len(choices):
            raise ValueError(f"gold {gold} is none of the choices' numbers 0 to {len(choices) - 1}")
        return Example(prompt, choices, gold)


def on_one_line(text: str) -> str:
    """Without stray space around it, a space for each line break, U+FFFD for lone surrogates, which no tokenizer takes."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return " ".join(part for line in whole.splitlines() if (part := line.strip()))


def _check_templates(cls: type[FewShotTask]) -> None:
    if len(cls.templates) < LEAST_TEMPLATES:
        found = len(cls.templates) or "no"
        raise ConfigError(f"task {cls.kind}: {found} templates. Write at least {LEAST_TEMPLATES}: another wording.")
    for number, template in enumerate(cls.templates, start=1):
        template.check(f"task {cls.kind}, template {number}")
    if len({(len(template.choices), bool(template.choice_fields)) for template in cls.templates}) > 1:
        raise ConfigError(f"task {cls.kind}: its templates differ in their choices' number or sort. Make them alike.")
    if cls.labels and len(cls.labels) != len(cls.templates[0].choices):
        raise ConfigError(
            f"task {cls.kind}: {len(cls.labels)} labels for {len(cls.templates[0].choices)} choices. Give one label a choice."
        )
