"""What a run used: seconds, memory of all its processes together, disk."""

from __future__ import annotations

import contextlib
import threading
import time
from types import TracebackType
from typing import Any

from curation.runtime.store.folder import Folder

EVERY_SECONDS = 2.0


class Usage:
    """Watches this process and its children while a `with` block runs.

    Memory is PSS (proportional set size: pages that several processes share count once), in bytes, looked at every two
    seconds; processes of a cluster that was there before are not ours and are not counted.
    """

    def __init__(self, out: Folder) -> None:
        self.out = out
        self.peak_memory_bytes = 0
        self.started_at = time.time()
        self._started = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Usage:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def actual(self) -> dict[str, Any]:
        """Seconds since the start, highest memory seen, bytes on disk now."""
        return {
            "seconds": round(time.monotonic() - self._started, 2),
            "peak_memory_bytes": self.peak_memory_bytes,
            "disk_bytes": self.out.bytes_used(),
        }

    def _watch(self) -> None:
        while not self._stop.is_set():
            self.peak_memory_bytes = max(self.peak_memory_bytes, memory_of_tree())
            self._stop.wait(EVERY_SECONDS)


def memory_of_tree() -> int:
    """PSS of this process and everything that it started, in bytes."""
    import psutil

    total = 0
    own = psutil.Process()
    for process in [own, *own.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):  # it has just ended
            info = process.memory_full_info()
            total += getattr(info, "pss", info.rss)
    return total
