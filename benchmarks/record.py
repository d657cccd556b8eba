"""Keeps figures: one JSON line a measurement in `results.jsonl`, with the machine that it was taken on."""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results.jsonl"
RUNS = 5


def pinned() -> None:
    """One core, so that figures compare."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def median_seconds(work: Callable[[], object], runs: int = RUNS) -> float:
    """Median wall time of several runs; one more before them fills the caches."""
    work()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def keep(what: str, value: float, unit: str, **details: Any) -> None:
    """Print a figure and add it to the results."""
    print(f"{what}: {value:,.4g} {unit}")
    row = {
        "what": what,
        "value": value,
        "unit": unit,
        **details,
        "cpu": _cpu(),
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    with RESULTS.open("a", encoding="utf8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
