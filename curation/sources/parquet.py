"""Rows of a Parquet file, row group by row group, so that memory is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation.runtime.errors import InputError
from curation.sources.base import Piece, Row, Unreadable
from curation.sources.content_hash import open_file
from curation.sources.jsonl import row_of

_BROKEN = (pa.ArrowException, OSError)


def row_groups(location: str) -> list[int]:
    """Uncompressed bytes of each row group; empty when the file cannot be read, which `read` then reports."""
    try:
        with _open(location) as file:
            return [file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)]
    except _BROKEN as error:
        _raise_if_not_the_file(error)
        return []


def read(piece: Piece, text_key: str, id_key: str | None) -> Iterator[Row | Unreadable]:
    """Documents of the piece's row groups; a document's offset is its row number in the file.

    Raises:
        InputError: the file has no column of that name, or it does not hold text: no row of it could be right.
    """
    try:
        with _open(piece.location) as file:
            _check_columns(file.schema_arrow, text_key, piece)
            yield from _rows(file, piece, text_key, id_key)
    except _BROKEN as error:
        _raise_if_not_the_file(error)
        yield Unreadable(piece.path, 0, f"Parquet broken: {str(error).splitlines()[0]}")


def _raise_if_not_the_file(error: BaseException) -> None:
    """A disk or network that fails must fail the job; only a file that is damaged itself goes to quarantine."""
    if getattr(error, "errno", None) is not None:
        raise error


def _rows(file: pq.ParquetFile, piece: Piece, text_key: str, id_key: str | None) -> Iterator[Row | Unreadable]:
    end = file.num_row_groups if piece.end is None else piece.end
    number = sum(file.metadata.row_group(i).num_rows for i in range(piece.start))
    for group in range(piece.start, end):
        first, rows = number, file.metadata.row_group(group).num_rows
        number += rows
        try:
            for batch in file.iter_batches(batch_size=1024, row_groups=[group]):
                for row in range(batch.num_rows):
                    yield _row(batch, row, piece.path, first, text_key, id_key)
                    first += 1
        except _BROKEN as error:
            _raise_if_not_the_file(error)
            reason = f"row group broken: {group}: {str(error).splitlines()[0]}"
            for row in range(first, number):
                yield Unreadable(piece.path, row, reason)


def _row(
    batch: pa.RecordBatch, row: int, path: str, number: int, text_key: str, id_key: str | None
) -> Row | Unreadable:
    try:
        value = {name: _plain(batch.column(i)[row]) for i, name in enumerate(batch.schema.names)}
    except UnicodeDecodeError as error:
        return Unreadable(path, number, f"not UTF-8: {error}")
    except (ValueError, OverflowError) as error:  # such as a date that Python cannot hold
        return Unreadable(path, number, f"a value that cannot be read: {error}")
    return row_of(value, b"", path, number, text_key, id_key)


def _plain(value: pa.Scalar) -> Any:
    """A Python value; times as text, since Python's own hold neither nanoseconds nor every year."""
    temporal = pa.types.is_temporal(value.type) and not pa.types.is_interval(value.type)
    return value.cast(pa.string()).as_py() if temporal else value.as_py()


def _check_columns(schema: pa.Schema, text_key: str, piece: Piece) -> None:
    if text_key not in schema.names:
        found = f"no column {text_key!r}; the file has {', '.join(schema.names) or 'none'}"
        raise InputError(piece.path, found, "Name one of them in fields.text.")
    type_ = schema.field(text_key).type
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    if pa.types.is_null(type_):
        return  # as pandas writes a column of which no row has a value: each row is reported
    if not (pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_)):
        raise InputError(
            piece.path, f"column {text_key!r} holds {type_}, not text", "Point fields.text at a text column."
        )


@contextmanager
def _open(location: str) -> Iterator[pq.ParquetFile]:
    with open_file(location) as handle, pq.ParquetFile(handle) as file:
        yield file
