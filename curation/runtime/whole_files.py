"""Files and folders that are either whole or absent, whenever the process is killed. Needs nothing but Python."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DRAFT = ".draft-"  # what a name begins with until the file is whole


def draft_name() -> str:
    """A name of its own: a killed run's last process may still write the same file."""
    return f"{DRAFT}{uuid.uuid4().hex}"


@contextmanager
def draft_in(folder: str | Path) -> Iterator[str]:
    """A path to write to; unless the file was moved into its place, it is gone when the block ends."""
    path = os.path.join(folder, draft_name())
    try:
        yield path
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def to_disk(path: str | Path) -> None:
    """Flush a file to disk before its rename, so that a power loss cannot leave the name without the content."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes) -> None:
    """All of `content` under its final name, or nothing."""
    with draft_in(path.parent) as draft:
        Path(draft).write_bytes(content)
        to_disk(draft)
        os.replace(draft, path)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A folder to fill; it takes the place of `target` when the block ends without an error, and vanishes otherwise."""
    draft = target.with_name(draft_name())
    try:
        draft.mkdir(parents=True)
        yield draft
        for path in draft.rglob("*"):
            if path.is_file():
                to_disk(path)
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where the disk has no links."""
    with draft_in(target.parent) as draft:
        try:
            os.link(source, draft)
        except OSError:
            shutil.copyfile(source, draft)
        os.replace(draft, target)


def remove_drafts(folder: Path) -> None:
    """Take away what killed runs left half-written."""
    for draft in folder.glob(f"{DRAFT}*"):
        draft.unlink(missing_ok=True)
