"""The small study as a program of its own, to be killed or interrupted, and what it gives when it is left alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

CELLS = 6
PHASES = ("tokenizer/main", "measures/", "report")  # in which a kill is certain to fall, beside those at any time
LIMIT_SECONDS = 300
LONGER = (
    "--set",
    "cells.schedule.tokens=16384",
    "--set",
    "controls.cells.schedule.tokens=16384",
)  # about a second a cell


def start(study: Path, out: Path, workers: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ablations.cli", "study", str(study), "--out", str(out)]
    return subprocess.Popen(
        [*command, "--workers", str(workers), *LONGER],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # a process group of its own, to be killed as a whole
    )


def finish(study: Path, out: Path, workers: int) -> tuple[list[float], dict[str, float]]:
    """Run to the end; returns when each receipt appeared and each phase began, in seconds since the start."""
    begun = time.monotonic()
    process = start(study, out, workers)
    seen: list[float] = []
    phases: dict[str, float] = {}
    while process.poll() is None and time.monotonic() - begun < LIMIT_SECONDS:
        time.sleep(0.05)
        now = time.monotonic() - begun
        seen += [now] * (receipts(out) - len(seen))
        phases |= {phase: now for phase in PHASES if phase not in phases and is_in(phase, out)}
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 0, errors.decode()
    return seen, phases


def receipts(out: Path) -> int:
    return sum(1 for _ in out.glob("*/*/receipts/*.json"))


def is_in(phase: str, out: Path) -> bool:
    """A stage's folders are named before its first job; the report comes after the record has results."""
    if phase == "report":
        record = out / "runs" / "small.study.json"
        return record.exists() and len(json.loads(record.read_text(encoding="utf8"))["results"]) == CELLS
    started = out / "runs" / "small.started.json"
    return started.exists() and any(
        name.startswith(phase) for name in json.loads(started.read_text(encoding="utf8"))["folders"]
    )


@dataclass(frozen=True)
class Undisturbed:
    """A study that was run by two workers from its start to its end.

    Attributes:
        appeared: when each receipt did, in seconds since the start.
        begun: when each phase did.
    """

    study: Path
    out: Path
    appeared: list[float]
    begun: dict[str, float]
