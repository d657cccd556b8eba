"""Stock datatrove in its own environment `.bench/datatrove`, so that spaCy and Kiwi are no dependencies of ours."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

from benchmarks.peers import environment

NAME = "datatrove"
VERSION = "0.10.1"


def ask(what: str, texts: Sequence[str], language: str, splitter: str, *more: str) -> dict[str, Any]:
    """What `datatrove_runner.py` says; see there."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf8") as file:
        json.dump(list(texts), file)
        file.flush()
        command = [
            environment.python(NAME),
            str(environment.HERE / "datatrove_runner.py"),
            what,
            file.name,
            language,
            splitter,
            *more,
        ]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
