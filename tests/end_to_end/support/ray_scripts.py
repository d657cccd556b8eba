"""Scripts of this folder that have a Ray of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SAYS = "found: "


def script(name: str, *arguments: object) -> Any:
    """The one line of JSON that a script of this folder printed; it has a Ray of its own."""
    with tempfile.TemporaryDirectory(
        dir="/tmp"
    ) as ray:  # its sockets need a short path; others must not find this cluster
        ended = subprocess.run(
            [sys.executable, Path(__file__).with_name(name), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
            env={**os.environ, "RAY_TMPDIR": ray},
        )
    assert ended.returncode == 0, ended.stderr
    # Ray may say goodbye to a lost node after the script's own last word
    (said,) = (line for line in ended.stdout.splitlines() if line.startswith(SAYS))
    return json.loads(said.removeprefix(SAYS))
