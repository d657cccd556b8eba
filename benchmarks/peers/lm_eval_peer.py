"""transformers and lm-eval in their own environment `.bench/lm_eval`: `python -m benchmarks.peers.lm_eval_peer` makes it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers import environment

NAME = "lm_eval"
VERSION = "0.4.13"
Job = dict[str, Any]


def is_ready() -> bool:
    return environment.is_ready(NAME)


def ask(jobs: Sequence[Job]) -> list[Any]:
    """What `lm_eval_runner.py` answers to each job; see there. One process does all of them."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "asked.json"), Path(folder, "answered.json")
        asked.write_text(json.dumps(list(jobs)), encoding="utf8")
        command = [environment.python(NAME), str(environment.HERE / "lm_eval_runner.py"), str(asked), str(answered)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise RuntimeError(f"lm_eval_runner.py ended with {done.returncode}:\n{done.stdout[-4000:]}")
        answers: list[Any] = json.loads(answered.read_text(encoding="utf8"))
    return answers


if __name__ == "__main__":
    print(environment.python(NAME))
