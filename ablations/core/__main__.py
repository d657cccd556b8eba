"""`python -m ablations.core FOLDER`: run or resume one cell."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from curation.runtime.errors import LoamError


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 for a whole cell, 2 for a spec or input that cannot be used, 1 for a run that failed."""
    parser = argparse.ArgumentParser(prog="python -m ablations.core", description="Run or resume one cell.")
    parser.add_argument("folder", type=Path, help="folder with a cell.json")
    folder: Path = parser.parse_args(arguments).folder
    from ablations.core.cell import Progress, run_cell  # torch takes seconds to import; --help should not

    def show(progress: Progress) -> None:
        loss = "" if progress.train_loss is None else f", training loss {progress.train_loss:.4f} nats"
        print(f"step {progress.step}/{progress.steps}, {progress.tokens} tokens: {progress.event}{loss}", flush=True)

    try:
        run_cell(folder, show)
    except LoamError as error:
        print(f"{folder}: {error}", file=sys.stderr)
        return error.exit_code
    print(f"whole: {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
