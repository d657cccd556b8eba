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
# of a cluster's head, as `_system_config`: a node that is gone is missed after two seconds, else after a quarter of a minute
SOON_MISSED = {"health_check_period_ms": 500, "health_check_failure_threshold": 3}


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
