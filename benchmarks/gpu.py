"""`make gpu`: what needs a GPU. Runs with torch, numpy and safetensors alone; tests too where pytest is installed.

Tokens a second and MFU go to `results.jsonl`. With PACK=FOLDER the packed cells in FOLDER are run as well.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
NO_TESTS = 5  # pytest's exit code when none was selected


def main() -> int:
    """Exit code: 0, or 1 for failed tests, 2 without a GPU, else that of `run_all`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pack", type=Path, metavar="FOLDER", help="packed cells to run")
    options, of_run_all = parser.parse_known_args()
    try:
        import torch
    except ImportError:
        print(
            "no torch here, so nothing that needs a GPU can run. Install torch, numpy and safetensors.", file=sys.stderr
        )
        return 2
    if not torch.cuda.is_available():
        print("no GPU that torch can use on this machine, so nothing was measured.", file=sys.stderr)
        return 2
    from benchmarks.utilisation import measure

    failed = _tests()
    measure()
    if options.pack:
        code = options.pack.resolve() / "code"
        done = subprocess.run(
            [sys.executable, "-m", "ablations.elsewhere.runner", "..", *of_run_all], cwd=code, check=False
        )
        return done.returncode
    return failed


def _tests() -> int:
    """The tests marked `gpu`."""
    if importlib.util.find_spec("pytest") is None:
        print("pytest is not installed, so the GPU tests were left out")
        return 0
    done = subprocess.run([sys.executable, "-m", "pytest", "-m", "gpu", "tests/ablations/core"], cwd=ROOT, check=False)
    return int(done.returncode not in {0, NO_TESTS})


if __name__ == "__main__":
    sys.exit(main())
