"""Several cells at once, each in a process of its own: one that fails takes no other along."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ablations.elsewhere.runner.sources import ROOT
from ablations.elsewhere.runner.stoppable import STOPPED

ERRORS = "stderr.log"
LOOK_EVERY_SECONDS = 0.5
Event = dict[str, Any]


@dataclass(frozen=True)
class Start:
    """A cell to run: its folder, and what its process finds in its environment."""

    name: str
    folder: Path
    threads: int
    gpu: bool


@dataclass(frozen=True)
class Ending:
    """How a process ended. `waiting`: it was never started."""

    state: Literal["done", "failed", "stopped", "waiting"]
    note: str = ""


class Pool:
    """Runs cells, `parallel` at a time, until all have ended or the time is up.

    Args:
        parallel: processes at a time.
        gpus: values of CUDA_VISIBLE_DEVICES to share the cells out among; empty leaves it as it is.
        deadline: `time.monotonic()` at which running cells are asked to stop at their next checkpoint.
        grace: seconds after which those that have not are killed; they go on from the checkpoint before.
        tell: called with the cell's name and each event.
    """

    def __init__(
        self, parallel: int, gpus: Sequence[str], deadline: float, grace: float, tell: Callable[[str, Event], None]
    ) -> None:
        self.parallel, self.gpus, self.deadline, self.grace, self.tell = parallel, gpus, deadline, grace, tell
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.places: dict[str, str] = {}  # of running cells: their GPU
        self.errors: dict[str, str] = {}
        self.folders: dict[str, Path] = {}
        self.lines: queue.SimpleQueue[tuple[str, str | None]] = queue.SimpleQueue()
        self.asked = False

    def run(self, cells: Sequence[Start]) -> dict[str, Ending]:
        """How each cell ended, by its name. On an exception, Ctrl-C too, the processes are stopped before it goes on."""
        waiting = list(cells)
        endings = {cell.name: Ending("waiting") for cell in cells}
        try:
            while self.running or (waiting and not self._time_is_up()):
                while waiting and len(self.running) < self.parallel and not self._time_is_up():
                    self._start(waiting.pop(0))
                self._next(endings)
                self._stop_in_time()
        except BaseException:
            self.deadline = min(self.deadline, time.monotonic())
            while self.running:
                self._stop_in_time()
                self._next(endings)
            raise
        return endings

    def _time_is_up(self) -> bool:
        return time.monotonic() >= self.deadline

    def _start(self, cell: Start) -> None:
        known = os.environ.get("PYTHONPATH")
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *([known] if known else [])]),
            "OMP_NUM_THREADS": str(cell.threads),
        }
        if cell.gpu and self.gpus:
            taken = Counter(self.places.values())
            self.places[cell.name] = min(self.gpus, key=lambda gpu: taken[gpu])
            environment["CUDA_VISIBLE_DEVICES"] = self.places[cell.name]
        with open(cell.folder / ERRORS, "w", encoding="utf8") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "ablations.elsewhere.runner.stoppable", str(cell.folder)],
                env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True,
            )  # fmt: skip
        self.running[cell.name], self.folders[cell.name] = process, cell.folder
        threading.Thread(target=self._listen, args=(cell.name, process), daemon=True).start()
        self.tell(cell.name, {"event": "started"})

    def _listen(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            self.lines.put((name, line))
        self.lines.put((name, None))

    def _next(self, endings: dict[str, Ending]) -> None:
        """The next line of any process; its end is one too."""
        try:
            name, line = self.lines.get(timeout=LOOK_EVERY_SECONDS)
        except queue.Empty:
            return
        if line is None:
            endings[name] = self._ended(name)
            self.tell(name, {"event": endings[name].state, "note": endings[name].note})
            return
        event = _event_in(line)
        if "error" in event:
            self.errors[name] = event["error"]
        elif event:
            self.tell(name, event)

    def _ended(self, name: str) -> Ending:
        process = self.running.pop(name)
        self.places.pop(name, None)
        code = process.wait()
        assert process.stdout
        process.stdout.close()
        if code == 0:
            return Ending("done")
        if code == STOPPED or (self.asked and code < 0):
            return Ending("stopped")
        return Ending("failed", self.errors.get(name) or self._last_words(name, code))

    def _last_words(self, name: str, code: int) -> str:
        lines = (self.folders[name] / ERRORS).read_text(encoding="utf8", errors="replace").strip().splitlines()
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        return f"{how}: {lines[-1].strip()}" if lines else how

    def _stop_in_time(self) -> None:
        if not self._time_is_up():
            return
        if not self.asked:
            self.asked = True
            for process in self.running.values():
                process.terminate()
        if time.monotonic() >= self.deadline + self.grace:
            for process in self.running.values():
                process.kill()


def _event_in(line: str) -> Event:
    """A JSON object, or nothing: a library may print to standard output too."""
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
