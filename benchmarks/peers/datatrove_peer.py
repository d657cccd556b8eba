"""Stock datatrove in its own environment `.bench/datatrove`, so that spaCy and Kiwi are no dependencies of ours."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
VENV = HERE.parents[1] / ".bench" / "datatrove"
PINNED = HERE / "datatrove.txt"
READY = VENV / "ready.txt"  # what it was made of
VERSION = "0.10.1"


def python() -> str:
    """The environment's interpreter; makes the environment when its pins changed."""
    executable = VENV / "bin" / "python"
    if not READY.is_file() or READY.read_text(encoding="utf8") != PINNED.read_text(encoding="utf8"):
        print(f"making {VENV}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        install = [str(executable), "-m", "pip", "install", "--quiet", "--requirement", str(PINNED)]
        subprocess.run(install, check=True)
        READY.write_text(PINNED.read_text(encoding="utf8"), encoding="utf8")
    return str(executable)


def ask(what: str, texts: Sequence[str], language: str, splitter: str, *more: str) -> dict[str, Any]:
    """What `datatrove_runner.py` says; see there."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf8") as file:
        json.dump(list(texts), file)
        file.flush()
        command = [python(), str(HERE / "datatrove_runner.py"), what, file.name, language, splitter, *more]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
