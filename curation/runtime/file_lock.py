"""A file that one process holds. The lock is released when the process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from curation.runtime.errors import BusyError


@contextmanager
def held(path: str, what: str, fix: str) -> Iterator[None]:
    """Hold the file for this process, whose id it then has as its text.

    Raises:
        BusyError: another process holds it, which works in the folder `what`; the message names its process id.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 64, 0).decode(errors="replace").strip() or "unknown"
            raise BusyError(f"{what}: another run works in this folder (process {holder}). {fix}") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)  # closing gives the lock back
