"""The exported file of test questions: how curation knows of few-shot tasks without importing one.

A line is `{"task", "split", "item", "field", "text"}`; `loam ablate export-queries` writes it.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from curation.runtime.errors import ConfigError, InputError
from curation.sources import content_hash
from curation.sources.base import Piece
from curation.sources.jsonl import objects

KEYS = ("task", "split", "item", "field", "text")
FIX = "Write the file again with `loam ablate export-queries`."


@dataclass(frozen=True)
class Query:
    """One text of a task: a question, a context or a part of a demonstration.

    Attributes:
        item: its row in the task's file, counted from 0; of several rows with the same text the first.
    """

    task: str
    split: str
    item: str
    field: str
    text: str

    @property
    def kind(self) -> str:
        """Of its spans: a policy may name the whole, or a beginning such as "korquad" or "korquad:test"."""
        return f"{self.task}:{self.split}:{self.field}:{self.item}"


def queries_digest(path: Path) -> str:
    """Hash of the file's content.

    Raises:
        ConfigError: there is no such file.
    """
    try:
        size = os.stat(path).st_size
    except OSError as error:
        raise ConfigError(
            f"contamination.queries {path}: {error.strerror or error}. Write it with `loam ablate export-queries`."
        ) from error
    return content_hash.of_file(str(path), size)


def read_queries(path: Path, splits: Collection[str], fields: Collection[str]) -> Iterator[Query]:
    """The queries of some splits and fields (all fields when none is named), in the file's order, composed (NFC).

    Raises:
        InputError: a line that is no query.
    """
    for offset, value in objects(Piece(path.name, str(path), 0, "", "jsonl")):
        where = f"{path}, byte {offset}"
        if isinstance(value, str):
            raise InputError(where, value, FIX)
        if missing := [key for key in KEYS if not isinstance(value.get(key), str)]:
            raise InputError(where, f"no text under {missing[0]!r}; the line has {', '.join(sorted(value))}", FIX)
        if divided := [key for key in ("task", "split", "field") if ":" in value[key]]:
            raise InputError(where, f"a colon in {divided[0]} {value[divided[0]]!r}, which divides kinds of spans", FIX)
        query = Query(**{key: value[key] for key in KEYS})
        if query.split in splits and (not fields or query.field in fields):
            yield Query(query.task, query.split, query.item, query.field, unicodedata.normalize("NFC", query.text))
