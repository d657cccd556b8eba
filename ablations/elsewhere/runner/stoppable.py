"""`python -m ablations.elsewhere.runner.stoppable FOLDER BEGUN`: one cell under another process, which `run_all` is.

Every event is a line on standard output, with the seconds since BEGUN. SIGTERM ends the cell right after its next checkpoint.
When the process above is gone, the cell ends with its next event: no orphan works on.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from curation.runtime.errors import LoamError

STOPPED = 75  # EX_TEMPFAIL of sysexits.h: not a failure, run it again
REFUSED = 65  # EX_DATAERR: the last line on standard error is the whole error


class Stopped(Exception):
    """Ends a run from within."""


def tell(name: str, event: str, begun: float) -> None:
    """One line for people."""
    print(f"{time.time() - begun:8.1f} s  {name}: {event}", flush=True)


def main(arguments: list[str]) -> int:
    """Exit code: 0 for a whole cell, 75 when stopped at a checkpoint, 65 for an error of the cell."""
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides what to do
    folder, begun, parent = Path(arguments[0]), float(arguments[1]), os.getppid()
    from ablations.core.cell import Progress, run_cell

    def on_progress(progress: Progress) -> None:
        loss = "" if progress.train_loss is None else f", training loss {progress.train_loss:.4f} nats"
        step = f"step {progress.step}/{progress.steps}, {progress.tokens:,} tokens: {progress.event}{loss}"
        tell(folder.name, step, begun)
        if os.getppid() != parent or (asked and progress.event == "checkpoint"):
            raise Stopped

    try:
        run_cell(folder, on_progress)
    except Stopped:
        return STOPPED
    except LoamError as error:
        print(error, file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
