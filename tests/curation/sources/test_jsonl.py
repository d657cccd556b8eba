"""JSONL is read by our own loop: every row is a document or a quarantine record, once, whoever reads which piece."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from jsonl_writer import WriteJsonl
from odd_texts import odd_texts

from curation.sources import jsonl
from curation.sources.base import Piece, Row, Unreadable


def read(path: Path, start: int = 0, end: int | None = None) -> list[Row | Unreadable]:
    size = path.stat().st_size
    return list(jsonl.read(Piece(path.name, str(path), size, "", "jsonl", start, end), "text", "id"))


def texts(found: list[Row | Unreadable]) -> list[str]:
    return [row.text for row in found if isinstance(row, Row)]


LINES = st.one_of(
    odd_texts().map(lambda text: json.dumps({"text": text}).encode()),
    st.text(max_size=20).map(lambda text: json.dumps({"text": text, "id": 7}, ensure_ascii=False).encode()),
    st.sampled_from(
        [b"", b"  ", b"{", b"[1]", b"\xff\xfe", "한국".encode(), b'{"text": 1}', b'{"text": "' + b"x" * 300 + b'"}']
    ),
)


@given(
    lines=st.lists(LINES, max_size=12),
    newline=st.sampled_from([b"\n", b"\r\n"]),
    ended=st.booleans(),
    data=st.data(),
)
def test_pieces_give_every_row_once_wherever_they_are_cut(
    lines: list[bytes], newline: bytes, ended: bool, data: st.DataObject, tmp_path: Path
) -> None:
    """A large file is read by many tasks; a row at a border must be read by exactly one of them."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(newline.join(lines) + (newline if ended else b""))
    size = path.stat().st_size
    cuts = sorted(data.draw(st.sets(st.integers(1, max(size - 1, 1)), max_size=6)))
    whole = read(path)
    pieces = [row for a, b in zip([0, *cuts], [*cuts, size], strict=True) for row in read(path, a, b)]
    assert pieces == whole
    assert len(whole) == sum(1 for line in lines if line.strip())


@given(lines=st.lists(LINES, max_size=12))
def test_offsets_name_the_line_after_decompression(lines: list[bytes], tmp_path: Path) -> None:
    """A document keeps its id when its file is compressed otherwise; and quarantine points at the line."""
    data = b"\n".join(lines)
    (tmp_path / "a.jsonl").write_bytes(data)
    half = len(data) // 2
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(data[:half]) + gzip.compress(data[half:]) + b"\x00" * 9)
    (tmp_path / "a.jsonl.zst").write_bytes(zstandard.compress(data[:half]) + zstandard.compress(data[half:]))
    plain, gz, zst = (
        [(row.offset, getattr(row, "text", None)) for row in read(tmp_path / name)]
        for name in ("a.jsonl", "a.jsonl.gz", "a.jsonl.zst")
    )
    assert plain == gz == zst
    assert all(data[offset : offset + 9].split(b"\n")[0] in {line[:9] for line in lines} for offset, _ in plain)


@pytest.mark.parametrize(("ending", "compress"), [("gz", gzip.compress), ("zst", zstandard.compress)])
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_truncated_stream_gives_the_rows_before_the_break_and_one_record(
    ending: str, compress: Callable[[bytes], bytes], kept: float, tmp_path: Path
) -> None:
    """An interrupted download is the most frequent damage; a library's reader loses up to a megabyte before it."""
    rng = random.Random(0)
    lines = [json.dumps({"text": f"{i} {rng.random()}"}).encode() + b"\n" for i in range(3000)]
    data = compress(b"".join(lines))
    path = tmp_path / f"a.jsonl.{ending}"
    path.write_bytes(data[: int(len(data) * kept)])
    *rows, last = read(path)
    assert texts(rows) == [json.loads(line)["text"] for line in lines[: len(rows)]]
    assert isinstance(last, Unreadable)
    assert last.offset == sum(map(len, lines[: len(rows)]))
    assert last.reason.startswith("compressed stream broken: ")
    if ending == "gz":
        assert len(rows) > len(lines) * (kept - 0.1)


def test_a_damaged_second_frame_leaves_the_first(tmp_path: Path) -> None:
    frame = zstandard.compress(b'{"text": "a"}\n' * 5)
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(frame + b"no frame at all")
    found = read(path)
    assert texts(found) == ["a"] * 5
    assert [row.offset for row in found if isinstance(row, Unreadable)] == [70]


def test_what_is_called_gz_and_is_not_is_reported(tmp_path: Path) -> None:
    for name in ("a.jsonl.gz", "a.jsonl.zst"):
        (tmp_path / name).write_bytes(b'{"text": "plain"}\n')
        (record,) = read(tmp_path / name)
        assert isinstance(record, Unreadable)
        assert record.offset == 0


BAD = {
    b'{"text": "caf\xe9"}': "not UTF-8: byte 13 of the line",
    b"{'text': 'a'}": "not JSON: ",
    b'["text"]': "a JSON list, not an object",
    b'"text"': "a JSON str, not an object",
    b"null": "a JSON NoneType, not an object",
    b'{"body": "a", "url": "u"}': "no field 'text': the row has body, url",
    b'{"text": null, "a": 1}': "no field 'text': the row has a",
    b'{"text": 5}': "field 'text' holds int, not text",
    b'{"text": ["a"]}': "field 'text' holds list, not text",
    b'{"text": "a"} {"text": "b"}': "not JSON: Extra data",
    b'{"text": "a", "n": ' + b"9" * 5000 + b"}": "not JSON that can be read: ",
    b'{"text": "a", "n": ' + b"[" * 100_000: "not JSON: ",
    b"\x00": "not JSON: ",
}


@pytest.mark.parametrize(("line", "reason"), BAD.items(), ids=range(len(BAD)))
def test_a_bad_line_is_one_record_and_the_others_are_read(line: bytes, reason: str, write_jsonl: WriteJsonl) -> None:
    """A crawl of a billion rows has all of these; each must be found again by its offset."""
    good = b'{"text": "good"}'
    first, record, last = read(write_jsonl("a.jsonl", [good, line, good]))
    assert isinstance(record, Unreadable)
    assert record.reason.startswith(reason)
    assert record.offset == len(good) + 1
    assert record.raw == (line + b"\n")[: jsonl.RAW_KEPT]
    assert texts([first, last]) == ["good", "good"]


def test_no_depth_of_nesting_stops_a_file(write_jsonl: WriteJsonl) -> None:
    """Reading and writing JSON have different limits: between them lies a depth that is read and cannot be written."""
    rows = [b'{"text": "x", "m": ' + b"[" * depth + b"]" * depth + b"}" for depth in range(800, 1030)]
    assert len(read(write_jsonl("a.jsonl", rows))) == len(rows)


def test_a_byte_order_mark_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "a"}\n{"text": "b"}\n')
    assert texts(read(path)) == ["a", "b"]


def test_other_fields_become_ordered_json_and_the_id_text(write_jsonl: WriteJsonl) -> None:
    rows = [{"z": 1, "text": "t", "id": 12, "a": {"c": None, "b": "한"}}, {"text": "u"}, {"text": "", "id": "x"}]
    assert read(write_jsonl("a.jsonl", rows)) == [
        Row("t", "a.jsonl", 0, "12", '{"a": {"b": "한", "c": null}, "z": 1}'),
        Row("u", "a.jsonl", 62, None, None),
        Row("", "a.jsonl", 76, "x", None),
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.zst"])
def test_a_line_that_memory_cannot_hold_is_refused_and_passed_over(
    name: str, write_jsonl: WriteJsonl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without newlines, such as one huge JSON list under a wrong name, must not bring the machine down."""
    monkeypatch.setattr(jsonl, "MOST_LINE_BYTES", 5000)
    long = b'{"text": "' + b"x" * 3_000_000 + b'"}'
    path = write_jsonl(name, [b'{"text": "a"}', long, b'{"text": "b"}'])
    a, refused, b = read(path)
    assert texts([a, b]) == ["a", "b"]
    assert isinstance(refused, Unreadable)
    assert refused.reason == "line too long: 3,000,013 bytes, at most 5,000 are read"
    assert (refused.offset, len(refused.raw)) == (14, jsonl.RAW_KEPT)


def test_a_piece_within_one_long_line_reads_no_further_than_its_end(tmp_path: Path) -> None:
    """A line over many pieces would else be read by each of them."""
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "' + b"x" * 9_000_000 + b'"}\n{"text": "b"}\n')
    size = (tmp_path / "a.jsonl").stat().st_size
    cuts = [*range(0, size, 1_000_000), size]
    found = [read(tmp_path / "a.jsonl", a, b) for a, b in pairwise(cuts)]
    assert [len(rows) for rows in found] == [1, *[0] * 8, 1]
    with open(tmp_path / "a.jsonl", "rb") as file:
        assert jsonl._rest_of_line(file, 1000) == jsonl.READ_CHUNK, "one look ahead, and no more"


def test_ids_are_text_whatever_the_file_holds(write_jsonl: WriteJsonl) -> None:
    rows = [{"text": "t", "id": id_} for id_ in ("a", 7, 1.5, True, ["한", 1], {"b": 1, "a": 2})]
    found = [row.user_id for row in read(write_jsonl("a.jsonl", rows)) if isinstance(row, Row)]
    assert found == ["a", "7", "1.5", "True", '["한", 1]', '{"a": 2, "b": 1}']
