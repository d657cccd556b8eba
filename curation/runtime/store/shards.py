"""Row-aligned Parquet: shards of documents, and the files beside them that have the same rows in the same order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation.runtime.errors import DamagedError, InputError
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.parts import checked

ROW_GROUP_BYTES = 8_000_000
ID = pa.binary(16)
DOCUMENT = pa.schema(
    [
        pa.field("id", ID),
        pa.field("text", pa.large_string()),
        pa.field("chars", pa.int64()),
        pa.field("source", pa.string()),
        pa.field("path", pa.string()),
        pa.field("offset", pa.int64()),
        pa.field("user_id", pa.string()),
        pa.field("meta", pa.large_string()),
    ]
)
SPAN = pa.struct([pa.field("start", pa.int64()), pa.field("end", pa.int64()), pa.field("kind", pa.string())])


@dataclass(frozen=True)
class ShardSet:
    """The documents of one source at one point of their walk: raw, or curated by a pass.

    Attributes:
        folder, manifest: of the stage that wrote the shards.
    """

    source: str
    folder: Folder
    manifest: Manifest

    @property
    def fingerprint(self) -> str:
        return self.manifest.fingerprint

    @property
    def files(self) -> list[str]:
        return [str(part["file"]) for part in self.manifest.parts]

    @property
    def documents(self) -> int:
        return sum(int(part["rows"]) for part in self.manifest.parts)

    @property
    def text_bytes(self) -> int:
        return sum(int(part["text_bytes"]) for part in self.manifest.parts)


class RowWriter:
    """Writes rows as Parquet with row groups bounded by bytes; `with row_writer(...)` commits it."""

    def __init__(self, path: str, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", write_page_index=False)
        self._schema = schema
        self._columns: dict[str, list[Any]] = {name: [] for name in schema.names}
        self._held = 0
        self.rows = 0

    def add(self, row: Mapping[str, Any], size: int) -> None:
        """One row; `size` is about how many bytes it takes."""
        for name, values in self._columns.items():
            values.append(row[name])
        self.rows += 1
        self._held += size
        if self._held >= ROW_GROUP_BYTES:
            self.flush()

    def add_table(self, table: pa.Table) -> None:
        """A row group of its own."""
        whole = max(1, table.num_rows)  # else pyarrow starts a new group after 2^20 rows
        self._writer.write_table(table.cast(self._schema), row_group_size=whole)
        self.rows += table.num_rows

    def flush(self) -> None:
        if self._columns[self._schema.names[0]]:
            self._writer.write_table(pa.table(self._columns, schema=self._schema))
            self._columns = {name: [] for name in self._schema.names}
            self._held = 0

    def close(self) -> None:
        self.flush()
        self._writer.close()


@contextmanager
def row_writer(folder: Folder, name: str, schema: pa.Schema) -> Iterator[RowWriter]:
    """A writer whose file appears under `name` when the block ends well, and not at all otherwise."""
    with folder.draft(name) as path:
        writer = RowWriter(path, schema)
        try:
            yield writer
        finally:
            writer.close()


@contextmanager
def open_parquet(folder: Folder, name: str) -> Iterator[pq.ParquetFile]:
    """One of our own files, after it was found to be what its stage wrote.

    Raises:
        DamagedError: it is missing or damaged.
    """
    with checked(folder, name) as path:
        try:
            file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise DamagedError(folder.url, name, f"damaged ({error})") from error
        with file:
            yield file


def read_columns(folder: Folder, name: str, columns: Sequence[str]) -> pa.Table:
    """Some columns of a whole file."""
    with open_parquet(folder, name) as file:
        return file.read(columns=list(columns))


def row_groups(folder: Folder, name: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Some columns of a file, one row group after the other, so that memory is bounded."""
    with open_parquet(folder, name) as file:
        for i in range(file.num_row_groups):
            yield file.read_row_group(i, columns=list(columns))


def check_aligned(left: Sequence[Any], right: Sequence[Any], where: str) -> None:
    """Refuse files that do not describe the same documents in the same order."""
    if list(left) != list(right):
        raise InputError(where, "its ids do not match its shard's", "Remove its folder and run again.")
