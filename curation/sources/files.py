"""Files and folders of files on a disk or an object store: JSONL (plain, gz, zst), Parquet, text and Markdown."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from pydantic import Field, field_validator

from curation.runtime.config import Config
from curation.runtime.errors import InputError
from curation.sources import content_hash, jsonl, parquet, plain_text
from curation.sources.base import Piece, Row, Source, Unreadable

FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".jsonl.gz": "jsonl",
    ".json.gz": "jsonl",
    ".jsonl.zst": "jsonl",
    ".jsonl.zstd": "jsonl",
    ".json.zst": "jsonl",
    ".parquet": "parquet",
    ".txt": "text",
    ".md": "text",
    ".markdown": "text",
}


EXPANSION = 3.0  # bytes of text in a byte of a compressed file, about


class Fields(Config):
    """Names of a row's fields."""

    text: str = "text"
    id: str | None = "id"


class Files(Source):
    """Documents in files.

    Args:
        path: a file, a folder (read with all below it) or a pattern with `*`; relative to the recipe's data_root; or any
            URL that fsspec knows.
        format: `auto` goes by the file's name.
        fields: names of the text and of the user's id in a row.
        html_entities: `decode` writes `&amp;` and its kin as the characters that they mean.
    """

    kind: Literal["files"] = "files"
    version: Literal[1] = 1
    path: str | tuple[str, ...] = Field(min_length=1)
    format: Literal["auto", "jsonl", "parquet", "text"] = "auto"
    fields: Fields = Fields()
    html_entities: Literal["keep", "decode"] = "keep"

    @field_validator("path")
    @classmethod
    def _not_blank(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if any(not path.strip() for path in ([value] if isinstance(value, str) else value)):
            raise ValueError("a path is empty. Write the path of a file or folder.")
        return value

    def where(self) -> frozenset[str]:
        return frozenset({"path"})

    def id_field(self) -> str | None:
        return self.fields.id

    def plan(self, name: str, data_root: str, piece_bytes: int) -> list[Piece]:
        pieces: list[Piece] = []
        for path, location, size in self._list(name, data_root):
            format_ = self.format if self.format != "auto" else _format_of(path)
            if format_ is None:
                continue
            stamp = content_hash.stamp(location)
            whole = Piece(path, location, size, content_hash.of_file(location, size), format_, stamp=stamp)
            pieces += _split(whole, piece_bytes)
        if not pieces:
            where = self.path if isinstance(self.path, str) else ", ".join(self.path)
            known = ", ".join(FORMATS)
            raise InputError(f"source {name}: {where}", f"no file with a known ending ({known})", "Set path or format.")
        return pieces

    def text_bytes(self, name: str, data_root: str) -> float:
        """From the sizes of the files alone: to hash them as a plan does, all of them would be read."""
        sizes = {
            path: size for path, _, size in self._list(name, data_root) if self.format != "auto" or _format_of(path)
        }
        return sum(size * (EXPANSION if _is_packed(path) else 1.0) for path, size in sizes.items())

    def left_out(self, name: str, data_root: str) -> list[str]:
        if self.format != "auto":
            return []
        return [path for path, _, _ in self._list(name, data_root) if _format_of(path) is None]

    def read(self, name: str, piece: Piece) -> Iterator[Row | Unreadable]:
        self._check_unchanged(name, piece)
        for row in self._rows(piece):
            if self.html_entities == "decode" and isinstance(row, Row) and "&" in row.text:
                row = replace(row, text=html.unescape(row.text))
            yield row
        self._check_unchanged(name, piece)

    def _check_unchanged(self, name: str, piece: Piece) -> None:
        """Refuse a file that is no longer the one whose content was hashed: its shards would bear a wrong fingerprint."""
        if content_hash.stamp(piece.location) != piece.stamp:
            found = "the file changed after the run had begun"
            raise InputError(f"source {name}: {piece.location}", found, "Run again.")

    def _rows(self, piece: Piece) -> Iterator[Row | Unreadable]:
        if piece.bytes == 0:
            yield Unreadable(piece.path, 0, "empty file")
        elif piece.format == "jsonl":
            yield from jsonl.read(piece, self.fields.text, self.fields.id)
        elif piece.format == "parquet":
            yield from parquet.read(piece, self.fields.text, self.fields.id)
        else:
            yield from plain_text.read(piece)

    def _list(self, name: str, data_root: str) -> Iterator[tuple[str, str, int]]:
        seen: set[str] = set()
        for path in [self.path] if isinstance(self.path, str) else self.path:
            for relative, location, size in content_hash.files_under(path, data_root, f"source {name}"):
                if relative in seen and location not in seen:
                    raise InputError(
                        f"source {name}: {location}",
                        f"a second file is called {relative!r} relative to its root",
                        "Make it a source of its own, or name their common folder.",
                    )
                if location not in seen:
                    seen |= {relative, location}
                    yield relative, location, size


def _format_of(path: str) -> str | None:
    lower = path.lower()
    return next((FORMATS[ending] for ending in sorted(FORMATS, key=len, reverse=True) if lower.endswith(ending)), None)


def _is_packed(path: str) -> bool:
    return jsonl.is_compressed(path) or path.lower().endswith(".parquet")


def _split(whole: Piece, piece_bytes: int) -> list[Piece]:
    """Plain JSONL by byte ranges and Parquet by row groups; what is compressed in one frame is read by one task."""
    if whole.format == "jsonl" and not jsonl.is_compressed(whole.location) and whole.bytes > piece_bytes:
        n = -(-whole.bytes // piece_bytes)
        cuts = [i * whole.bytes // n for i in range(n + 1)]
        return [_part(whole, a, b, b - a) for a, b in pairwise(cuts)]
    if whole.format == "parquet" and whole.bytes > piece_bytes:
        groups = parquet.row_groups(whole.location)
        return [_part(whole, a, b, size) for a, b, size in _grouped(groups, piece_bytes)] or [whole]
    return [whole]


def _part(whole: Piece, start: int, end: int, size: int) -> Piece:
    return replace(whole, bytes=size, start=start, end=end)


def _grouped(sizes: list[int], limit: int) -> Iterator[tuple[int, int, int]]:
    start, held = 0, 0
    for i, size in enumerate(sizes):
        if held and held + size > limit:
            yield start, i, held
            start, held = i, 0
        held += size
    if sizes:
        yield start, len(sizes), held
