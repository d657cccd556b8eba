"""Writes rows as JSONL, compressed as the file's name says."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import zstandard

WriteJsonl = Callable[[str, Iterable[Any]], Path]  # of the fixture `write_jsonl`


def write_rows(path: Path, rows: Iterable[Any]) -> Path:
    """One line a row; bytes are written as they are, so that a line can be anything."""
    data = b"".join(
        (row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode()) + b"\n" for row in rows
    )
    if path.name.endswith(".gz"):
        data = gzip.compress(data, mtime=0)
    elif path.name.endswith(".zst"):
        data = zstandard.compress(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
