"""One run at a time in an output folder. The lock falls by itself when its process dies, however it dies."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from curation.runtime.errors import BusyError
from curation.runtime.store.folder import Folder


@contextmanager
def sole_run(out: Folder) -> Iterator[None]:
    """Hold `out` for this process.

    For an object store the lock lies in this machine's temporary folder: it keeps two runs of one machine apart.

    Raises:
        BusyError: another process holds it; the message names its process id.
    """
    path = f"{out.url}/.lock" if out.is_local else _path_for(out.url)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 64, 0).decode(errors="replace").strip() or "unknown"
            raise BusyError(
                f"{out.url}: another run works in this folder (process {holder}). "
                "Wait for it, or give this run another --out."
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)  # closing gives the lock back


def _path_for(url: str) -> str:
    return os.path.join(tempfile.gettempdir(), f"loam-{hashlib.sha256(url.encode()).hexdigest()[:16]}.lock")
