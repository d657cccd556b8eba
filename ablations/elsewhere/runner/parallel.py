"""Several cells at once, each in a process of its own: one that fails stops no other."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ablations.elsewhere.runner.sources import ROOT
from ablations.elsewhere.runner.stoppable import REFUSED, STOPPED, tell

ERRORS = "stderr.log"
LOOK_EVERY_SECONDS = 0.2


@dataclass(frozen=True)
class Start:
    """A cell to run: its folder, and environment variables for its process."""

    folder: Path
    threads: int
    gpu: bool


@dataclass(frozen=True)
class Ending:
    """How a process ended. `waiting`: it was never started."""

    state: Literal["done", "failed", "stopped", "waiting"]
    note: str = ""


@dataclass
class Pool:
    """Runs cells until all have ended or the time is up.

    Args:
        parallel: processes at a time.
        gpus: values of CUDA_VISIBLE_DEVICES to share the cells out among; empty leaves it as it is.
        deadline: `time.monotonic()` at which running cells are asked to stop at their next checkpoint.
        grace: seconds after which those that have not are killed; they go on from the checkpoint before.
        on_done: called with the name of each cell that is whole.
    """

    parallel: int
    gpus: Sequence[str]
    deadline: float
    grace: float
    on_done: Callable[[str], None]
    begun: float = field(default_factory=time.time)
    running: dict[Path, tuple[subprocess.Popen[str], str]] = field(default_factory=dict)  # with their GPU
    asked: bool = False

    def run(self, cells: Sequence[Start]) -> dict[str, Ending]:
        """How each cell ended, by its name. On an exception, Ctrl-C too, the processes are stopped before it goes on."""
        waiting = list(cells)
        endings = {cell.folder.name: Ending("waiting") for cell in cells}
        try:
            while self.running or (waiting and not self._time_is_up()):
                while waiting and len(self.running) < self.parallel and not self._time_is_up():
                    self._start(waiting.pop(0))
                self._look(endings)
        except BaseException:
            self.deadline = min(self.deadline, time.monotonic())
            while self.running:
                self._look(endings)
            raise
        return endings

    def _time_is_up(self) -> bool:
        return time.monotonic() >= self.deadline

    def _start(self, cell: Start) -> None:
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": str(cell.threads)}
        gpu = ""
        if cell.gpu and self.gpus:
            taken = Counter(gpu for _, gpu in self.running.values())
            gpu = environment["CUDA_VISIBLE_DEVICES"] = min(self.gpus, key=lambda each: taken[each])
        tell(cell.folder.name, "started", self.begun)
        with open(cell.folder / ERRORS, "w", encoding="utf8") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "ablations.elsewhere.runner.stoppable", str(cell.folder), str(self.begun)],
                env=environment, stdin=subprocess.DEVNULL, stderr=errors, text=True,
            )  # fmt: skip
        self.running[cell.folder] = process, gpu

    def _look(self, endings: dict[str, Ending]) -> None:
        """Collect those that have ended, and stop the others where the time is up."""
        time.sleep(LOOK_EVERY_SECONDS)
        for folder, (process, _) in list(self.running.items()):
            if (code := process.poll()) is not None:
                del self.running[folder]
                ending = endings[folder.name] = self._ending(folder, code)
                if ending.state == "done":
                    self.on_done(folder.name)
                tell(folder.name, f"{ending.state}: {ending.note}" if ending.note else ending.state, self.begun)
        if self._time_is_up():
            for process, _ in self.running.values():
                if time.monotonic() >= self.deadline + self.grace:
                    process.kill()
                elif not self.asked:
                    process.terminate()
            self.asked = True

    def _ending(self, folder: Path, code: int) -> Ending:
        if code == 0:
            return Ending("done")
        if code == STOPPED or (self.asked and code < 0):
            return Ending("stopped")
        lines = (folder / ERRORS).read_text(encoding="utf8", errors="replace").strip().splitlines()
        how = [] if code == REFUSED else [f"killed by signal {-code}" if code < 0 else f"exit code {code}"]
        return Ending("failed", ": ".join([*how, *(line.strip() for line in lines[-1:])]))
