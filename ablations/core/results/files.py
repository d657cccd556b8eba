"""Files that are either whole or absent, whenever the process is killed."""

from __future__ import annotations

import json
import os
import shutil
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
    """All of it or nothing, as `json_bytes` writes it."""
    write_whole(path, json_bytes(value))


def json_bytes(value: object) -> bytes:
    """Sorted keys and full floats: the same value gives the same bytes. NaN and infinity are refused."""
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where the disk has no links."""
    draft = target.with_name(f".draft-{target.name}-{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        os.link(source, draft)
    except OSError:
        shutil.copyfile(source, draft)
    os.replace(draft, target)


def remove_drafts(folder: Path) -> None:
    """Take away what killed runs left half-written."""
    for draft in folder.glob(f"*{TEMPORARY}"):
        draft.unlink(missing_ok=True)
