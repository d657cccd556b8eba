"""One run at a time in an output folder. The lock falls by itself when its process dies, however it dies."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from curation.runtime.errors import BusyError
from curation.runtime.file_lock import held
from curation.runtime.store.folder import Folder


@contextmanager
def sole_run(out: Folder) -> Iterator[None]:
    """Hold `out` for this process.

    For an object store the lock lies in this machine's temporary folder: it keeps two runs of one machine apart.

    Raises:
        BusyError: another process holds it; the message names its process id.
    """
    path = f"{out.url}/.lock" if out.is_local else _path_for(out.url)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(path))
        except BlockingIOError as error:
            raise BusyError(
                f"{out.url}: another run works in this folder (process {error.filename}). "
                "Wait for it, or give this run another --out."
            ) from error
        yield


def _path_for(url: str) -> str:
    return os.path.join(tempfile.gettempdir(), f"loam-{hashlib.sha256(url.encode()).hexdigest()[:16]}.lock")
