"""Lists input files through fsspec and knows the hash of their content, which is their identity."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import xxhash

from curation.runtime.errors import InputError
from curation.runtime.store.folder import Folder

CHUNK = 4 * 2**20
REMOTE_BLOCK = 8 * 2**20  # read ahead from an object store
_TAGS = ("ETag", "etag", "LastModified", "mtime", "updated", "md5Hash", "content_md5")  # s3, az, s3, sftp, gcs, gcs, az


def files_under(path: str, data_root: str, who: str) -> Iterator[tuple[str, str, int]]:
    """(path relative to its root, location, bytes) of every file, sorted by the relative path; hidden files are left out.

    The root of a folder is the folder itself, of a pattern the part before the first wildcard, of a file its folder: so ids
    do not change when the data move.

    Raises:
        InputError: nothing is there.
    """
    import fsspec

    path = os.path.expanduser(path)
    full = path if "://" in path or os.path.isabs(path) else os.path.join(data_root, path)
    try:
        fs, target = fsspec.core.url_to_fs(os.path.expanduser(full))
        prefix = "" if fs.protocol == "file" or "file" in fs.protocol else f"{full.split('://', 1)[0]}://"
        root = target
        if any(sign in target for sign in "*?["):
            files = {p: i for p, i in fs.glob(target, detail=True).items() if fs.isfile(p)}  # links to files too
            root = target.split("*")[0].split("?")[0].split("[")[0].rpartition("/")[0]
        elif fs.isdir(target):
            files = fs.find(target, detail=True)
        else:
            files = {target: fs.info(target)}
            root = target.rpartition("/")[0]
    except FileNotFoundError as error:
        raise InputError(f"{who}: {full}", "no such file or folder", "Correct path or data_root.") from error
    except Exception as error:  # every store's library has errors of its own
        problem = f"cannot be listed: {type(error).__name__}: {error}"
        raise InputError(f"{who}: {full}", problem, "Correct path or data_root.") from error
    shown = {p: i for p, i in files.items() if not _hidden(_relative(p, root))}
    if not shown:
        raise InputError(f"{who}: {full}", "no file there", "Correct path or data_root.")
    for file in sorted(shown, key=lambda p: _relative(p, root)):
        if shown[file].get("islink") and fs.isdir(file):
            raise InputError(f"{who}: {file}", "a link to a folder, which is not followed", "Name that folder in path.")
        if not _is_text(file):
            raise InputError(f"{who}: {file!r}", "its name is not UTF-8", "Rename the file.")
        yield _relative(file, root), prefix + file, int(shown[file]["size"])


def _relative(path: str, root: str) -> str:
    return Folder(root).relative(Folder(path))


def _is_text(path: str) -> bool:
    try:
        path.encode("utf8")
    except UnicodeEncodeError:
        return False
    return True


def _hidden(relative: str) -> bool:
    return any(part.startswith(".") for part in relative.split("/"))


def of_file(location: str, size: int) -> str:
    """Hash of a file's bytes (XXH3, 128 bits); files that did not change since are not read again in this process."""
    return _of_file(location, size, stamp(location))


@lru_cache(maxsize=100_000)
def _of_file(location: str, size: int, _: str) -> str:
    digest = xxhash.xxh3_128()
    try:
        with open_file(location) as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise InputError(location, f"cannot be read: {error.strerror or error}", "Correct its permissions.") from error
    return digest.hexdigest()


def stamp(location: str) -> str:
    """Shows that a file is still the same: its size, and the time of its last change or its store's tag.

    Raises:
        InputError: the file is gone.
    """
    try:
        if "://" not in location:
            stat = os.stat(location)
            return f"{stat.st_size} {stat.st_mtime_ns}"
        import fsspec

        fs, path = fsspec.core.url_to_fs(location)
        fs.invalidate_cache()
        info = fs.info(path)
    except FileNotFoundError as error:
        raise InputError(location, "the file is gone", "Put it back or correct path, then run again.") from error
    return " ".join(str(info[key]) for key in ("size", *_TAGS) if key in info)


def open_file(location: str) -> Any:
    """A binary file handle for a path or URL.

    Raises:
        InputError: the file is gone.
    """
    import fsspec

    try:
        if "://" not in location:
            return open(location, "rb")
        # the handles of object stores look for newlines in copies of whole blocks
        fs, path = fsspec.core.url_to_fs(location)
        return io.BufferedReader(fs.open(path, "rb", block_size=REMOTE_BLOCK), CHUNK)
    except FileNotFoundError as error:
        raise InputError(location, "the file is gone", "Put it back or correct path, then run again.") from error
