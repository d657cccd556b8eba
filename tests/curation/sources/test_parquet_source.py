"""Parquet: row groups split, bad rows one by one, a wrong column refused for the whole file."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.runtime.errors import InputError
from curation.sources import parquet
from curation.sources.base import Piece, Row, Unreadable
from curation.sources.files import Files


def read(path: Path, start: int = 0, end: int | None = None, text: str = "text") -> list[Row | Unreadable]:
    piece = Piece(path.name, str(path), path.stat().st_size, "", "parquet", start, end)
    return list(parquet.read(piece, text, "id"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.parquet"


def test_row_groups_are_read_by_several_tasks_and_rows_keep_their_numbers(path: Path) -> None:
    table = pa.table({"text": [f"문서 {i} " * 50 for i in range(1000)], "id": list(range(1000))})
    pq.write_table(table, path, row_group_size=90, compression="none")
    pieces = Files(path=str(path)).plan("s", "", 20_000)
    assert len(pieces) > 3
    assert [piece.start for piece in pieces[1:]] == [piece.end for piece in pieces[:-1]]
    rows = [row for piece in pieces for row in Files(path=str(path)).read("s", piece)]
    assert rows == read(path)
    assert [row.offset for row in rows] == list(range(1000))
    assert isinstance(rows[999], Row)
    assert rows[999].user_id == "999"


def test_a_column_that_is_not_there_is_refused_with_those_that_are(path: Path) -> None:
    """No row of the file could be right: this is a mistake in the recipe, not dirt in the data."""
    pq.write_table(pa.table({"body": ["a"], "url": ["b"]}), path)
    with pytest.raises(InputError, match=r"no column 'text'; the file has body, url. Name one of them in fields.text"):
        read(path)
    assert [row.offset for row in read(path, text="body")] == [0]


def test_a_column_of_numbers_is_refused(path: Path) -> None:
    pq.write_table(pa.table({"text": [1, 2]}), path)
    with pytest.raises(InputError, match=r"holds int64, not text. Point fields.text at a text column"):
        read(path)


@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_text_columns_of_every_sort_are_read(type_: pa.DataType, path: Path) -> None:
    pq.write_table(pa.table({"text": pa.array(["a", None, "b"]).cast(type_)}), path)
    a, none, b = read(path)
    assert [a, b] == [Row("a", "a.parquet", 0), Row("b", "a.parquet", 2)]
    assert isinstance(none, Unreadable)
    assert (none.offset, none.reason) == (1, "no field 'text': the row has none")


def test_a_value_that_is_not_utf8_costs_its_own_row_only(path: Path) -> None:
    """Arrow does not look into its strings when it reads them; one bad byte must not cost a million rows."""
    offsets = pa.py_buffer(np.array([0, 1, 3, 4], np.int32).tobytes())
    strings = pa.Array.from_buffers(pa.string(), 3, [None, offsets, pa.py_buffer(b"a\xff\xfeb")])
    pq.write_table(pa.table({"text": strings}), path)
    first, bad, last = read(path)
    assert [first, last] == [Row("a", "a.parquet", 0), Row("b", "a.parquet", 2)]
    assert isinstance(bad, Unreadable)
    assert bad.offset == 1
    assert bad.reason.startswith("not UTF-8: ")


def test_times_are_text_in_the_other_fields(path: Path) -> None:
    """Python's times hold neither nanoseconds nor far years; a row must not be lost for its date."""
    columns = {
        "text": ["a", "b"],
        "when": pa.array([1, None], pa.timestamp("ns")),
        "day": pa.array([10_000_000, 0], pa.date32()),
        "more": [{"at": datetime.date(2020, 1, 2)}, None],
    }
    pq.write_table(pa.table(columns), path)
    a, b = read(path)
    assert isinstance(a, Row)
    assert isinstance(b, Row)
    assert a.meta == '{"day": "29349-01-26", "more": {"at": "2020-01-02"}, "when": "1970-01-01 00:00:00.000000001"}'
    assert b.meta == '{"day": "1970-01-01", "more": null, "when": null}'


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_truncated_file_is_one_record(kept: float, path: Path) -> None:
    pq.write_table(pa.table({"text": ["a" * 500] * 100}), path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    source = Files(path=str(path))
    (record,) = (row for piece in source.plan("s", "", 1000) for row in source.read("s", piece))
    assert isinstance(record, Unreadable)
    assert record.reason.startswith("Parquet broken: " if kept else "empty file")


def test_a_damaged_row_group_costs_its_own_rows_only(path: Path) -> None:
    rng = np.random.default_rng(0)
    pq.write_table(pa.table({"text": rng.bytes(6000).hex().split("a")}), path, row_group_size=100, use_dictionary=False)
    meta = pq.read_metadata(path)
    assert meta.num_row_groups > 2
    at = meta.row_group(1).column(0).data_page_offset
    data = bytearray(path.read_bytes())
    data[at : at + 40] = b"\xff" * 40
    path.write_bytes(data)
    found = read(path)
    assert len(found) == meta.num_rows
    assert {row.offset for row in found if isinstance(row, Unreadable)} == set(range(100, 200))


def test_a_column_without_any_value_costs_its_rows_only(path: Path) -> None:
    """So pandas writes an empty or all-missing column; refusing the file would stop the whole folder."""
    pq.write_table(pa.table({"text": pa.nulls(2), "id": [b"a\xff", None]}), path)
    assert [row.offset for row in read(path) if isinstance(row, Unreadable)] == [0, 1]


def test_binary_ids_are_text(path: Path) -> None:
    pq.write_table(pa.table({"text": ["a", "b"], "id": [b"plain", b"a\xff"]}), path)
    assert [row.user_id for row in read(path) if isinstance(row, Row)] == ["plain", "a\\xff"]
