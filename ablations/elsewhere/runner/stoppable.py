"""`python -m ablations.elsewhere.runner.stoppable FOLDER`: one cell under another process, which `run_all` is.

Progress goes to standard output as JSON lines. SIGTERM ends the cell right after its next checkpoint. When the process that
reads the lines is gone, the next line cannot be written, and the cell ends too: no orphan works on.
"""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
from pathlib import Path

from curation.runtime.errors import LoamError

STOPPED = 75  # EX_TEMPFAIL of sysexits.h: not a failure, run it again


class Stopped(Exception):
    """Ends a run from within, at a checkpoint."""


def main(arguments: list[str]) -> int:
    """Exit code: 0 for a whole cell, 75 when stopped at a checkpoint, 1 or 2 for an error, whose text is the last line."""
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; what to do is for the parent to say
    from ablations.core.cell import Progress, run_cell

    def tell(progress: Progress) -> None:
        print(json.dumps(dataclasses.asdict(progress)), flush=True)
        if asked and progress.event == "checkpoint":
            raise Stopped

    try:
        run_cell(Path(arguments[0]), tell)
    except Stopped:
        return STOPPED
    except LoamError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
