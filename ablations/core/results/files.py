"""How a cell's JSON files are written."""

from __future__ import annotations

import json
from pathlib import Path

from curation.runtime.whole_files import write_whole


def write_json(path: Path, value: object) -> None:
    """All of it or nothing, as `json_bytes` writes it."""
    write_whole(path, json_bytes(value))


def json_bytes(value: object) -> bytes:
    """Sorted keys and full floats: the same value gives the same bytes. NaN and infinity are refused."""
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()
