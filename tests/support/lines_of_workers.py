"""A plugin of coverage.py: Ray ends its workers without any farewell, so they write down every moment which lines they ran."""

from __future__ import annotations

import sys
import threading
import time

import coverage

EVERY_SECONDS = 0.5
WORKER = "default_worker.py"  # what Ray starts


def coverage_init(_registry: object, _options: object) -> None:
    """Called by coverage.py in every process that it counts."""
    if any(argument.endswith(WORKER) for argument in sys.orig_argv):
        threading.Thread(target=_write, name="lines of workers", daemon=True).start()


def _write() -> None:
    while True:
        time.sleep(EVERY_SECONDS)
        if counting := coverage.Coverage.current():
            counting.save()
