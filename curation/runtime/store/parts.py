"""Files of finished stages, checked against their manifest before they are used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from curation.runtime.errors import DamagedError, InputError
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.marks import Mark, Marks


@contextmanager
def checked(folder: Folder, name: str) -> Iterator[str]:
    """A local path with the content of a stage's file, after a check against the manifest.

    A folder without a manifest is no finished stage (a job that reads what it has just written, a folder of the user's): its
    files are not checked.

    Raises:
        DamagedError: the file is gone, or is another one.
        InputError: a folder that is no finished stage has no such file.
    """
    marks = _marks(folder)
    try:
        with folder.local(name) as path:
            if marks is not None:
                check_file(folder, name, marks, path)
            yield path
    except FileNotFoundError as error:
        if os.path.basename(str(error.filename or name)) != os.path.basename(name):
            raise
        if marks is None:
            raise InputError(f"{folder.url}/{name}", "cannot be read: no such file", "Check the path.") from error
        raise DamagedError(folder.url, name, "the file is gone") from error


def read_checked(folder: Folder, name: str) -> bytes:
    """The content of a stage's file.

    Raises:
        DamagedError: the file is gone, or is another one.
    """
    with checked(folder, name) as path, open(path, "rb") as file:
        return file.read()


def check_file(folder: Folder, name: str, marks: Marks, path: str) -> None:
    """Compare the file at `path` with the mark of `name`.

    Raises:
        DamagedError: they differ.
    """
    if name not in marks:
        raise DamagedError(folder.url, name, "is not listed in the stage's manifest")
    try:
        mark = Mark.of_file(path)
    except FileNotFoundError as error:
        raise DamagedError(folder.url, name, "the file is gone") from error
    if mark.size != marks[name].size:
        raise DamagedError(folder.url, name, f"has {mark.size:,} bytes instead of {marks[name].size:,}")
    if mark != marks[name]:
        raise DamagedError(folder.url, name, "its content is not the one that was written")


def _marks(folder: Folder) -> Marks | None:
    """Of the stage's manifest, read once a process as long as it stays the same; None without one."""
    if not folder.is_local:
        return _marks_of(folder, 0) if folder.exists(MANIFEST) else None
    try:
        stat = os.stat(f"{folder.url}/{MANIFEST}")
    except FileNotFoundError:
        return None
    return _marks_of(folder, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _marks_of(folder: Folder, _: int) -> Marks:
    return Manifest.load(folder).files
