"""Few-shot tasks made ready for a tokenizer: token items that a cell scores without seeing any text."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ablations.core.hashing import key_of
from ablations.core.items import TaskItems
from ablations.core.prompts import row_id, task_items
from ablations.core.tasks.base import TASKS
from ablations.core.tasks.control_map import ControlMap
from ablations.settings import TaskSettings
from curation.runtime.errors import ConfigError, InputError
from curation.runtime.identity import canonical, seed
from curation.runtime.registry import Plugin
from curation.sources.control_texts import KEYS, VALUES
from tokenizer.model import TokenizerModel

CONTROL_TASK = "control_map"
WORDS_DRAWN = 64  # keys, and as many values, of the probe under a tokenizer of real text


@dataclass(frozen=True)
class TaskFile:
    """Contents of a cell's tasks/<name>.json."""

    text: str

    @cached_property
    def digest(self) -> str:
        return hashlib.blake2b(self.text.encode(), digest_size=16).hexdigest()


def task_file(
    settings: TaskSettings, tokenizer: TokenizerModel, context: int, plugins: Sequence[Plugin], base_seed: int
) -> TaskFile:
    """A task's items under a tokenizer.

    Raises:
        ConfigError: unknown task, missing files, or rows that the task cannot use.
    """
    cls = TASKS.get(settings.kind, plugins)
    if cls is ControlMap:
        items = control_items(tokenizer, settings.items, base_seed)
        check_length(items, context)
    else:
        task = cls()
        pool = list(_rows(settings, "pool", settings.pool))
        queries = list(_rows(settings, "queries", settings.queries))
        asked = sorted(queries, key=lambda row: (key_of(settings.kind, "query", row_id(row)), row_id(row)))
        with _named(settings.kind):
            items = task_items(
                task, pool, asked[: settings.items], tokenizer.encode, tokenizer.bos, context, settings.draws
            )
    return TaskFile(canonical(items.to_json()).decode())


def check_files(settings: TaskSettings, plugins: Sequence[Plugin]) -> None:
    """Refuse files that are missing or hold another task's rows, from the first row of each, before anything is trained.

    Raises:
        ConfigError, InputError: names the task and the file.
    """
    task = TASKS.get(settings.kind, plugins)()
    if isinstance(task, ControlMap):
        return
    for which, path in (("pool", settings.pool), ("queries", settings.queries)):
        row = next(_rows(settings, which, path), None)
        if row is None:
            raise ConfigError(f"task {settings.kind}: {which} {path}: no row in it. Give a file with rows.")
        with _named(settings.kind):
            example = task.example(row)
            _ = example.choices[example.gold]


@contextmanager
def _named(task: str) -> Iterator[None]:
    """What a task says of its rows, as an error that names the task."""
    try:
        yield
    except (ValueError, KeyError, IndexError, TypeError) as error:
        found = f"no field {error}" if isinstance(error, KeyError) else str(error)
        raise ConfigError(f"task {task}: {found}. Mend the task's rows or its example().") from error


def control_items(tokenizer: TokenizerModel, n_items: int, base_seed: int) -> TaskItems:
    """The probe of fresh maps in the tokens of this tokenizer: control words, or hashed whole words of real text.

    Raises:
        ConfigError: the tokenizer has too few whole words.
    """
    own = [tokenizer.single_piece(word) for word in (*KEYS, *VALUES)]
    if all(piece is not None for piece in own):
        keys, values = own[: len(KEYS)], own[len(KEYS) :]
    else:
        words = tokenizer.whole_words()
        ranked = sorted(words, key=lambda piece: key_of("control_map", tokenizer.piece(piece)))[: 2 * WORDS_DRAWN]
        keys, values = list(ranked[::2]), list(ranked[1::2])
    try:
        return ControlMap.items(keys, values, tokenizer.bos, seed("control_map", base_seed), n_items)  # type: ignore[arg-type]
    except ValueError as error:
        raise ConfigError(f"task control_map: {error} Give the tokenizer a larger vocabulary or more text.") from error


def check_length(items: TaskItems, context: int) -> None:
    """Every map has to fit, or the curve over k would be one over different maps.

    Raises:
        ConfigError: the context is too short.
    """
    longest = max(
        len(group.prefix) + len(item.prompt) + max(map(len, item.choices))
        for group in items.groups
        for item in group.items
    )
    if longest - 1 > context:
        raise ConfigError(
            f"task control_map: {max(items.shots)} pairs shown twice take {longest - 1} tokens, and cells.model.context is "
            f"{context}. Raise it."
        )


def _rows(settings: TaskSettings, which: str, path: str | None) -> Iterator[Mapping[str, Any]]:
    if path is None:
        raise ConfigError(f"task {settings.kind}: no {which}. Give the path of a JSONL file.")
    from curation.sources.base import Piece
    from curation.sources.jsonl import objects

    if "://" not in path and not os.path.isfile(path):
        raise ConfigError(f"task {settings.kind}: {which} {path}: no such file. Correct the path or data_root.")
    for offset, value in objects(Piece("", path, 0, "", "jsonl")):
        if not isinstance(value, dict):
            where = f"{path}, byte {offset}"
            raise InputError(where, str(value), f"Mend the line; task {settings.kind} needs every row.")
        yield value
