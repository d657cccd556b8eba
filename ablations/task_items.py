"""Few-shot tasks made ready for a tokenizer: token items that a cell scores without seeing any text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
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
        pool, queries = _rows(settings, "pool", settings.pool), _rows(settings, "queries", settings.queries)
        asked = sorted(queries, key=lambda row: (key_of(settings.kind, "query", row_id(row)), row_id(row)))
        try:
            items = task_items(
                task, pool, asked[: settings.items], tokenizer.encode, tokenizer.bos, context, settings.draws
            )
        except (ValueError, KeyError, IndexError, TypeError) as error:
            found = f"no field {error}" if isinstance(error, KeyError) else str(error)
            raise ConfigError(f"task {settings.kind}: {found}. Mend the task's rows or its example().") from error
    return TaskFile(canonical(items.to_json()).decode())


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


def _rows(settings: TaskSettings, which: str, path: str | None) -> list[Mapping[str, Any]]:
    if path is None:
        raise ConfigError(f"task {settings.kind}: no {which}. Give the path of a JSONL file.")
    from curation.sources.base import Piece
    from curation.sources.jsonl import objects

    rows: list[Mapping[str, Any]] = []
    try:
        for offset, value in objects(Piece("", path, 0, "", "jsonl")):
            if not isinstance(value, dict):
                raise InputError(
                    f"{path}, byte {offset}", str(value), f"Mend the line; task {settings.kind} needs every row."
                )
            rows.append(value)
    except OSError as error:
        raise ConfigError(
            f"task {settings.kind}: {which} {path}: {error.strerror or error}. Correct the path."
        ) from error
    return rows
