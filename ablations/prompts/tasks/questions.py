"""Rows of a task's file as questions: each with its name, its example, and the file and row it came from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ablations.core.data.hashing import key_of
from ablations.prompts.tasks.base import Example, FewShotTask, TaskRow
from curation.runtime.errors import InputError


@dataclass(frozen=True)
class Question:
    """A row, ready to be asked or shown.

    Attributes:
        id: by the row's content.
        text: what it asks. Two rows of one text are one question, whatever their ids, dates and labels.
        cue: what is left of its prompt without the question.
        group: the same for rows that ask about one thing; empty where rows stand alone.
        texts: its question and context as they would stand in a corpus, without the words of the prompt.
    """

    id: str
    text: str
    example: Example
    cue: str
    group: str = ""
    texts: tuple[str, ...] = ()


def questions(task: FewShotTask, rows: Iterable[TaskRow], file: str) -> tuple[list[Question], int]:
    """The file's rows, equal ones once, and how many were left out because a field of the question is empty.

    Raises:
        InputError: a row that lacks a field, has no right answer or an empty one; names the file and the row, counted from 1.
    """
    by_id: dict[str, Question] = {}
    empty, text_fields = 0, task.text_fields()
    for number, row in enumerate(rows, start=1):
        try:
            fields = task.fields(row)
            if _is_empty(task, fields):
                empty += 1
                continue
            cue = task.template.shown(task.template.cue, fields)
            question = Question(
                row_id(row),
                " ".join(task.question(row).split()),
                task.example(row),
                cue,
                _group(task, row),
                tuple(str(row[name]) for name in text_fields if row.get(name)),
            )
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise refused(task, row, f"{file}, row {number}", error) from error
        by_id.setdefault(question.id, question)
    return list(by_id.values()), empty


def _group(task: FewShotTask, row: TaskRow) -> str:
    """By the content of the field that groups rows; KeyError where a row lacks it."""
    field = task.group_field
    return f"{key_of(json.dumps(row[field], sort_keys=True, ensure_ascii=False)):016x}" if field else ""


def refused(task: FewShotTask, row: TaskRow, where: str, error: Exception) -> InputError:
    """A task's complaint about a row, as an error that names task and row."""
    has = f"; the row has {', '.join(sorted(row))}" if isinstance(error, KeyError) else ""
    found = f"no field {error}{has}" if isinstance(error, KeyError) else str(error)
    return InputError(f"task {task.kind}: {where}", found, "Mend the row, or name its fields in the task's file.")


def row_id(row: TaskRow) -> str:
    """Name of a row by its content: equal rows are one row, wherever they are in the file."""
    return f"{key_of(json.dumps(row, sort_keys=True, ensure_ascii=False)):016x}"


def _is_empty(task: FewShotTask, fields: Mapping[str, Any]) -> bool:
    return any(fields[name] == "" for name in task.template.question_fields)
