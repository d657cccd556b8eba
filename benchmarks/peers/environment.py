"""Other programs in environments of their own, `.bench/<name>`, so that what they need is no dependency of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1] / ".bench"


def pins(name: str) -> Path:
    """The environment's requirements."""
    return HERE / f"{name}.txt"


def interpreter(name: str) -> Path:
    return ROOT / name / "bin" / "python"


def is_ready(name: str) -> bool:
    """Whether the environment exists and was made of these pins."""
    made_of = _made_of(name)
    return made_of.is_file() and made_of.read_text(encoding="utf8") == pins(name).read_text(encoding="utf8")


def python(name: str) -> str:
    """The environment's interpreter; makes the environment when its pins changed.

    `TORCH_INDEX` names an index of CPU builds of torch, as for `make setup`.
    """
    executable = str(interpreter(name))
    if not is_ready(name):
        print(f"making {ROOT / name}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(ROOT / name)], check=True)
        index = ["--extra-index-url", os.environ["TORCH_INDEX"]] if os.environ.get("TORCH_INDEX") else []
        install = [executable, "-m", "pip", "install", "--quiet", *index, "--requirement", str(pins(name))]
        subprocess.run(install, check=True)
        _made_of(name).write_text(pins(name).read_text(encoding="utf8"), encoding="utf8")
    return executable


def _made_of(name: str) -> Path:
    return ROOT / name / "ready.txt"
