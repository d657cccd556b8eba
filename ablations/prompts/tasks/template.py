"""The wording of a few-shot task: patterns over a row's fields, in the language of `str.format`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from string import Formatter
from typing import Any

from curation.runtime.errors import ConfigError


@dataclass(frozen=True)
class Template:
    """One wording. A prompt is `query` and `cue`; a demonstration is a prompt, its answer and the separator.

    Args:
        query: the question; nothing is put between it and the cue.
        choices: the possible answers, each with the space that separates it from the prompt. Patterns with fields make the
            answers a row's own; without fields all rows share them.
        answer: in place of choices, the answer that a demonstration shows when answers are written; `{answer}` is the first
            of those that count as right.
        instruction: comes once before the demonstrations, followed by a separator.
        separator: follows each demonstration. One that ends with a line break makes preparation quick, for no token crosses it.
        cue: what is left of the prompt without the question, such as `답:`; the answer's probability after it alone
            is what pointwise mutual information corrects for.
    """

    query: str
    choices: tuple[str, ...] = ()
    answer: str = ""
    instruction: str = ""
    separator: str = "\n\n"
    cue: str = ""

    @cached_property
    def question_fields(self) -> tuple[str, ...]:
        """Fields that the query names."""
        return _names(self.query)

    @cached_property
    def choice_fields(self) -> tuple[str, ...]:
        """Fields that the choices name; none when all rows share them."""
        return _names(*self.choices)

    def prompt(self, fields: Mapping[str, Any]) -> str:
        """The question and the cue, up to the answer."""
        return self.shown(self.query + self.cue, fields)

    def choices_of(self, fields: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(self.shown(choice, fields) for choice in self.choices)

    def shown(self, pattern: str, fields: Mapping[str, Any]) -> str:
        """A pattern with a row's fields in their places.

        Raises:
            KeyError: the row lacks a field.
        """
        return pattern.format_map(fields)

    def without_content(self, filler: str) -> str:
        """The prompt with the same filler in the place of every field."""
        return self.prompt(dict.fromkeys(_names(self.query, self.cue), filler))

    def check(self, where: str) -> None:
        """Refuse a wording that cannot ask.

        Raises:
            ConfigError: names what is missing.
        """
        try:
            named = _names(self.query)
            _names(self.cue, self.answer, *self.choices)
        except ValueError as error:
            raise ConfigError(f"{where}: {error}. Write fields as {{name}}, and braces of the text twice.") from error
        if not named:
            raise ConfigError(f"{where}: the query {self.query!r} names no field of a row. Write one as {{name}}.")
        if bool(self.choices) == bool(self.answer):
            raise ConfigError(f"{where}: needs choices or an answer, one of the two. Write {_instead(self.choices)}.")
        if not all(map(str.strip, (*self.choices, self.answer or "-"))):
            raise ConfigError(f"{where}: an empty answer. Write its words.")
        if len(set(self.choices)) < len(self.choices) or len(self.choices) == 1:
            raise ConfigError(f"{where}: choices {list(self.choices)}. Give at least two that differ.")
        if not self.separator:
            raise ConfigError(f"{where}: the separator is empty. Give what separates demonstrations.")


def _instead(choices: tuple[str, ...]) -> str:
    return "only one of them" if choices else "`choices:` a list, or `answer:` a pattern"


def _names(*patterns: str) -> tuple[str, ...]:
    """Fields that patterns name, in their order.

    Raises:
        ValueError: a pattern is not one, or a field has no name.
    """
    names: dict[str, None] = {}
    for pattern in patterns:
        for _, name, _, _ in Formatter().parse(pattern):
            if name is not None:
                if not name.isidentifier():
                    raise ValueError(f"{pattern!r} has a field called {name!r}")
                names[name] = None
    return tuple(names)
