"""A text or Markdown file is one document."""

from __future__ import annotations

from collections.abc import Iterator

from curation.sources.base import Piece, Row, Unreadable
from curation.sources.content_hash import open_file
from curation.sources.jsonl import MOST_LINE_BYTES, RAW_KEPT


def read(piece: Piece) -> Iterator[Row | Unreadable]:
    """The file as one document at offset 0; a byte-order mark is not text."""
    with open_file(piece.location) as file:
        data: bytes = file.read(MOST_LINE_BYTES + 1)
    if len(data) > MOST_LINE_BYTES:
        reason = f"text too long: more than {MOST_LINE_BYTES:,} bytes"
        yield Unreadable(piece.path, 0, reason, data[:RAW_KEPT])
        return
    try:
        yield Row(data.decode("utf-8-sig"), piece.path, 0)
    except UnicodeDecodeError as error:
        yield Unreadable(piece.path, 0, f"not UTF-8: byte {error.start}", data[:RAW_KEPT])
