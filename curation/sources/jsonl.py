"""Rows of a JSONL file, plain, gzip or Zstandard. We own the loop: whatever cannot be read is reported, never skipped."""

from __future__ import annotations

import codecs
import io
import json
import math
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import zstandard

from curation.sources.base import Piece, Row, Unreadable, meta_json
from curation.sources.content_hash import open_file

RAW_KEPT = 4096  # bytes of an unreadable row that quarantine keeps; the rest stays in the file, at the offset given
READ_CHUNK = 2**20
MOST_LINE_BYTES = (
    100_000_000  # a longer line is refused: it is held whole, and each of its characters takes some 30 bytes
)
INPUT_CHUNK = 2**14  # of a compressed file: small, because a damaged chunk takes its rows with it
_BROKEN = (EOFError, zlib.error, zstandard.ZstdError)  # not OSError: a disk that fails must fail the job, not lose rows


def is_compressed(location: str) -> bool:
    return location.lower().endswith((".gz", ".zst", ".zstd"))


def read(piece: Piece, text_key: str, id_key: str | None) -> Iterator[Row | Unreadable]:
    """Rows whose line starts within the piece; blank lines are no rows."""
    for offset, line in _lines(piece):
        if isinstance(line, Unreadable):
            yield line
        elif line.strip():
            yield _row(line, piece.path, offset, text_key, id_key)


def objects(piece: Piece) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """(offset, object) of every line, or (offset, reason) of one that is none; for files that are not corpora."""
    for offset, line in _lines(piece):
        if isinstance(line, Unreadable):
            yield offset, line.reason
        elif line.strip():
            yield offset, _object(line)


def _lines(piece: Piece) -> Iterator[tuple[int, bytes | Unreadable]]:
    offset = piece.start
    with open_file(piece.location) as raw:
        stream = _decompressed(raw, piece.location)
        if piece.start:
            # a line belongs to the piece in which it starts: begin after the first newline at or behind start - 1
            raw.seek(piece.start - 1)
            offset = piece.start - 1 + _rest_of_line(raw, piece.bytes + 1)
        while piece.end is None or offset < piece.end:
            try:
                line = stream.readline(MOST_LINE_BYTES)
                rest = 0 if line.endswith(b"\n") or len(line) < MOST_LINE_BYTES else _rest_of_line(stream)
            except _BROKEN as error:
                reason = f"compressed stream broken: {type(error).__name__}: {error}"
                yield offset, Unreadable(piece.path, offset, reason)
                return
            if not line:
                return
            yield offset, line if not rest else _too_long(piece.path, offset, line, rest)
            offset += len(line) + rest


def _rest_of_line(stream: Any, at_most: float = math.inf) -> int:
    """Bytes to the end of the line, which are passed over; reading ends behind `at_most` bytes."""
    passed = 0
    while passed < at_most:
        chunk = stream.readline(READ_CHUNK)
        passed += len(chunk)
        if not chunk or chunk.endswith(b"\n"):
            break
    return passed


def _too_long(path: str, offset: int, line: bytes, rest: int) -> Unreadable:
    reason = f"line too long: {len(line) + rest:,} bytes, at most {MOST_LINE_BYTES:,} are read"
    return _refused(line, path, offset, reason)


def _decompressed(raw: Any, location: str) -> Any:
    name = location.lower()
    if name.endswith(".gz"):
        return io.BufferedReader(_Frames(raw, _gzip_frame, "gzip", padding=b"\0"), READ_CHUNK)
    if name.endswith((".zst", ".zstd")):
        return io.BufferedReader(_Frames(raw, _zstd_frame, "Zstandard"), READ_CHUNK)
    return raw


def _gzip_frame() -> Any:
    return zlib.decompressobj(wbits=31)


def _zstd_frame() -> Any:
    return zstandard.ZstdDecompressor(max_window_size=2**31).decompressobj()


class _Frames(io.RawIOBase):
    """Compressed frames one after the other.

    What comes before a break is given out first, then the break is raised; the libraries' own readers lose the former
    (gzip) or the latter (Zstandard).
    """

    def __init__(self, raw: Any, new_frame: Callable[[], Any], name: str, padding: bytes = b"") -> None:
        self._raw, self._new_frame, self._name, self._padding = raw, new_frame, name, padding
        self._frame: Any = None
        self._input = b""
        self._output = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._output:
            if not self._input:
                self._input = self._raw.read(INPUT_CHUNK)
                if not self._input:
                    if self._frame is not None:
                        self._frame = None
                        raise EOFError(f"the file ends within a {self._name} frame")
                    return 0
            if self._frame is None:
                self._input = self._input.lstrip(self._padding)
                if not self._input:
                    continue
                self._frame = self._new_frame()
            self._output = memoryview(self._frame.decompress(self._input))  # a view: slices of it are no copies
            self._input = b""
            if self._frame.eof:
                self._input = self._frame.unused_data
                self._frame = None
        n = min(len(buffer), len(self._output))
        buffer[:n] = self._output[:n]
        self._output = self._output[n:]
        return n


def _row(line: bytes, path: str, offset: int, text_key: str, id_key: str | None) -> Row | Unreadable:
    value = _object(line.removeprefix(codecs.BOM_UTF8) if offset == 0 else line)  # a byte-order mark is not text
    if isinstance(value, str):
        return _refused(line, path, offset, value)
    return row_of(value, line, path, offset, text_key, id_key)


def _object(line: bytes) -> dict[str, Any] | str:
    """The object on a line, or why there is none."""
    try:
        value = json.loads(line.decode("utf8"))
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte {error.start} of the line"
    except (json.JSONDecodeError, RecursionError) as error:
        return f"not JSON: {error}"
    except ValueError as error:  # such as a number of too many digits
        return f"not JSON that can be read: {error}"
    return value if isinstance(value, dict) else f"a JSON {type(value).__name__}, not an object"


def row_of(
    value: dict[str, Any], raw: bytes, path: str, offset: int, text_key: str, id_key: str | None
) -> Row | Unreadable:
    """A document from a mapping of fields; also used for Parquet rows."""
    text = value.pop(text_key, None)
    if not isinstance(text, str):
        found = (
            f"field {text_key!r} holds {type(text).__name__}, not text"
            if text is not None
            else _no_text(value, text_key)
        )
        return _refused(raw, path, offset, found)
    user_id = value.pop(id_key, None) if id_key else None
    try:
        return Row(text, path, offset, _as_text(user_id), meta_json(value))
    except RecursionError:  # what was just shallow enough to be read can be too deep to be written
        return _refused(raw, path, offset, "fields nested too deeply")


def _as_text(user_id: Any) -> str | None:
    if isinstance(user_id, bytes):
        return user_id.decode("utf8", "backslashreplace")
    if isinstance(user_id, dict | list):
        return json.dumps(user_id, ensure_ascii=False, sort_keys=True, default=str)
    return None if user_id is None else str(user_id)


def _no_text(value: dict[str, Any], key: str) -> str:
    return f"no field {key!r}: the row has {', '.join(sorted(value)) or 'none'}"


def _refused(line: bytes, path: str, offset: int, reason: str) -> Unreadable:
    return Unreadable(path, offset, reason, line[:RAW_KEPT])
