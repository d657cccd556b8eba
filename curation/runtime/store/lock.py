"""One run at a time in an output folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import AbstractContextManager

from curation.runtime.file_lock import held
from curation.runtime.store.folder import Folder


def sole_run(out: Folder) -> AbstractContextManager[None]:
    """Hold `out` for this process.

    For an object store the lock lies in this machine's temporary folder: it keeps two runs of one machine apart.

    Raises:
        BusyError: another process holds it; the message names its process id.
    """
    path = f"{out.url}/.lock" if out.is_local else _path_for(out.url)
    return held(path, out.url, "Wait for it, or give this run another --out.")


def _path_for(url: str) -> str:
    return os.path.join(tempfile.gettempdir(), f"loam-{hashlib.sha256(url.encode()).hexdigest()[:16]}.lock")
