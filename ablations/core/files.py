"""Files that are either whole or absent, whenever the process is killed."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

TEMPORARY = ".writing"


def write_whole(path: Path, content: bytes) -> None:
    """Write under a name of its own, then move into place: an orphan of a killed run may be writing the same file."""
    draft = path.with_name(f"{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}{TEMPORARY}")
    try:
        with open(draft, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: object) -> None:
    """Sorted keys and full floats: the same value gives the same bytes. NaN and infinity are refused."""
    write_whole(path, (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode())


def remove_drafts(folder: Path) -> None:
    """Take away what killed runs left half-written."""
    for draft in folder.glob(f"*{TEMPORARY}"):
        draft.unlink(missing_ok=True)
