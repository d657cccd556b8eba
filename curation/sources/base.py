"""The contract of a source: plan what to read without reading it, then read one piece at a time."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from curation.runtime.config import Config

WHOLE = 2**62  # bytes of a piece that nothing is split for


@dataclass(frozen=True)
class Piece:
    """A part of a source that one task reads.

    Attributes:
        path: of the file, relative to the source's root; enters the documents' ids.
        location: where the file lies now (a path or URL); enters nothing.
        start, end: byte range of a plain file or row-group range of a Parquet file; end None reads to the end.
        bytes: about how much there is to read.
        content: hash of the whole file.
        format: how to read it; the source knows the names.
        stamp: of the file when it was hashed (size and time of change); enters nothing.
    """

    path: str
    location: str
    bytes: int
    content: str
    format: str
    start: int = 0
    end: int | None = None
    stamp: str = ""


@dataclass(frozen=True)
class Row:
    """One document as it was found.

    Attributes:
        offset: byte offset of its line after decompression, or its row number.
        user_id: the id that the file gives it, as text.
        meta: the file's other fields, as JSON.
    """

    text: str
    path: str
    offset: int
    user_id: str | None = None
    meta: str | None = None


@dataclass(frozen=True)
class Unreadable:
    """A row that could not be read: it goes to quarantine and is counted."""

    path: str
    offset: int
    reason: str
    raw: bytes = b""


class Source(Config, ABC):
    """Where documents come from. A subclass in its own file under `sources/` adds a kind."""

    kind: str
    version: int

    @abstractmethod
    def plan(self, name: str, data_root: str, piece_bytes: int) -> list[Piece]:
        """What to read, in a fixed order, split into pieces of at most `piece_bytes` where the format allows it.

        Raises:
            InputError, ConfigError: something that the source names is not there.
        """

    @abstractmethod
    def read(self, name: str, piece: Piece) -> Iterator[Row | Unreadable]:
        """The documents of one piece, in order; nothing is left out without an `Unreadable`."""

    def text_bytes(self, name: str, data_root: str) -> float:
        """About how many bytes of text there are, without reading them where that can be known.

        Raises:
            InputError, ConfigError: something that the source names is not there.
        """
        return float(sum(piece.bytes for piece in self.plan(name, data_root, WHOLE)))

    def left_out(self, name: str, data_root: str) -> list[str]:
        """Files among those named that will not be read since nobody knows their format; the run warns of them."""
        return []

    def id_field(self) -> str | None:
        """Name of the field that a row's `user_id` comes from, None where it comes from none."""
        return None

    def where(self) -> frozenset[str]:
        """Fields that hold paths; the fingerprint holds the contents of the pieces instead."""
        return frozenset()

    def what(self) -> dict[str, Any]:
        """Everything of the settings that changes the rows; the pieces' contents are added by the pipeline."""
        return self.model_dump(mode="json", exclude=set(self.where()))


def meta_json(fields: Mapping[str, Any]) -> str | None:
    """The other fields of a row as one line of JSON, None when there are none."""
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, default=str) if fields else None
