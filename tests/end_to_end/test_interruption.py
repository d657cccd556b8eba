"""Ctrl-C and the SIGTERM of Slurm and Kubernetes, once or twice: one line, the right code, nothing left, nothing lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bytes_of_a_study import contents
from faults import FAULTS
from ray_heads import processes_below
from small_study import write_corpora, write_study
from undisturbed import LONGER, Undisturbed

LIMIT_SECONDS = 120
ENDED_WITHIN_SECONDS = 15
BETWEEN_SECONDS = 0.05  # a second signal comes while the first one is being obeyed
SAYS = "loam: interrupted by {}. What was finished is kept; run the same command again to go on."
BEFORE = re.compile(r"warning: .*|.*: \d+ % after \d+ s|.*: done in \d+ s|")  # what a run may have said until then


@dataclass(frozen=True)
class Interruption:
    """When the first file appears that matches `moment`, the signal comes `times` times, to the process or to its group."""

    moment: str
    name: str
    whole_group: bool
    times: int

    def send(self, process: subprocess.Popen[str]) -> None:
        """A terminal sends Ctrl-C to the group; Slurm and Kubernetes signal a process, or all of a job."""
        for n in range(self.times):
            time.sleep(BETWEEN_SECONDS if n else 0.0)
            try:
                (os.killpg if self.whole_group else os.kill)(process.pid, getattr(signal, self.name))
            except ProcessLookupError:
                assert n, "the run ended before it was interrupted"


CURATION = (
    "read/*/receipts/*.json",
    "scores/*/receipts/*.json",
    "duplicates/*/receipts/*.json",
    "decide/*/receipts/*.json",
)
CELLS = ("cells/*/cell.json", "measures/*/measure.json")
MOMENTS = (*CURATION, *CELLS)
INTERRUPTIONS = [
    Interruption(CURATION[1], "SIGINT", whole_group=True, times=2),
    Interruption(CURATION[3], "SIGTERM", whole_group=False, times=1),
    Interruption(CELLS[0], "SIGINT", whole_group=False, times=1),
    Interruption(CELLS[1], "SIGTERM", whole_group=True, times=2),
]
MORE_INTERRUPTIONS = [
    Interruption(CURATION[0], "SIGTERM", whole_group=False, times=1),
    Interruption(CURATION[2], "SIGTERM", whole_group=True, times=2),
    Interruption(CELLS[0], "SIGTERM", whole_group=False, times=2),
    Interruption(CELLS[1], "SIGINT", whole_group=True, times=1),
]


@pytest.fixture
def ray_folder() -> Iterator[Path]:
    """By it the processes of a run are found, wherever they hang in the tree."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="ray") as folder:
        yield Path(folder)
        for process in processes_below(Path(folder)):
            process.kill()


def start(study: Path, out: Path, ray: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "ablations.cli",
        "ablate",
        "run",
        str(study),
        "--out",
        str(out),
        "--workers",
        "2",
        *LONGER,
    ]
    return subprocess.Popen(
        command,
        env={**os.environ, "RAY_TMPDIR": str(ray)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_hears,
    )


def _hears() -> None:
    """Tests may run in the background of a shell, whose jobs are deaf to Ctrl-C; the run is not to inherit that."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)


def is_newer(path: Path, begun: float) -> bool:
    """Whether a file was written after `begun`, in seconds; a draft may get its last name before it is looked at."""
    try:
        return path.stat().st_mtime > begun
    except FileNotFoundError:
        return False


def interrupted(study: Path, out: Path, ray: Path, by: Interruption) -> tuple[int, list[str]]:
    """Exit code and lines of a run that was interrupted."""
    begun = time.time()
    process = start(study, out, ray)
    while not any(is_newer(path, begun) for path in out.glob(by.moment)):
        assert process.poll() is None, process.communicate()
        assert time.time() - begun < LIMIT_SECONDS, by
        time.sleep(0.01)
    by.send(process)
    _, errors = process.communicate(timeout=ENDED_WITHIN_SECONDS)
    return process.returncode, [line for line in errors.split("\n") if not BEFORE.fullmatch(line)]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_study_that_is_interrupted_ends_in_one_line_and_goes_on_to_the_same_bytes(
    undisturbed: Undisturbed, tmp_path: Path, ray_folder: Path
) -> None:
    """If this fails, a preempted job leaves processes on a shared node, a stack trace in its log, or other results."""
    write_corpora(tmp_path)
    study = write_study(tmp_path)
    for by in sorted(
        [*INTERRUPTIONS, *(MORE_INTERRUPTIONS if FAULTS else [])], key=lambda by: MOMENTS.index(by.moment)
    ):
        code, lines = interrupted(study, tmp_path / "disturbed", ray_folder, by)
        assert code == 128 + getattr(signal, by.name), (by, lines)
        assert lines == [SAYS.format(by.name)], by
        assert not processes_below(ray_folder), by
    process = start(study, tmp_path / "disturbed", ray_folder)
    _, errors = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 0, errors
    assert contents(tmp_path / "disturbed") == contents(undisturbed.out)


def ended(script: str, ray: Path) -> subprocess.CompletedProcess[str]:
    """A script that signals itself, run in the way in which commands run."""
    lead = (
        "import os, signal, sys, threading, time\n"
        "from curation.runtime.cluster import interruption\n"
        "from curation.runtime.cluster.cluster import Compute\n"
        "from curation.runtime.command_line.command import errors_as_one_line\n"
        "def later(number, seconds): threading.Timer(seconds, os.kill, (os.getpid(), number)).start()\n"
    )
    return subprocess.run(
        [sys.executable, "-c", lead + script],
        env={**os.environ, "RAY_TMPDIR": str(ray)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=_hears,
    )


def test_work_that_does_not_let_go_is_ended_all_the_same(ray_folder: Path) -> None:
    """If this fails, a file system that hangs keeps a job until it is killed, and its Ray for ever."""
    script = """
interruption.GRACE_SECONDS = 0.5
with errors_as_one_line():
    later(signal.SIGTERM, 0.1)
    try:
        time.sleep(30)
    finally:
        time.sleep(30)
"""
    found = ended(script, ray_folder)
    assert (found.returncode, found.stderr) == (143, SAYS.format("SIGTERM") + "\n")


def test_a_call_that_no_signal_interrupts_is_ended_all_the_same(ray_folder: Path) -> None:
    """Ray's calls go on asking a Ray that the same signal has ended, for a minute and longer."""
    script = """
import ctypes
interruption.GRACE_SECONDS = 0.5
with errors_as_one_line():
    later(signal.SIGTERM, 0.1)
    mutex = ctypes.create_string_buffer(64)
    libc = ctypes.CDLL(None)
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)  # its own lock: for ever, whatever signals come
"""
    found = ended(script, ray_folder)
    assert (found.returncode, found.stderr) == (143, SAYS.format("SIGTERM") + "\n")


@pytest.mark.slow
def test_a_signal_while_ray_starts_or_ends_is_one_line_too(ray_folder: Path) -> None:
    """Ray puts handlers of its own in place of ours when it starts, and takes all away when it ends."""
    starting = "with errors_as_one_line():\n    later(signal.SIGTERM, 1.5)\n    Compute(None, 1).connect()\n"
    ending = "with errors_as_one_line():\n    Compute(None, 1).connect()\n    later(signal.SIGTERM, 0.6)\n"
    for script in (starting, ending):
        found = ended(script, ray_folder)
        assert (found.returncode, found.stderr) == (143, SAYS.format("SIGTERM") + "\n"), script
        assert not processes_below(ray_folder), script


def test_a_signal_that_was_ignored_before_stays_ignored(ray_folder: Path) -> None:
    """`nohup` and a shell's `&` set SIGINT aside; if this fails, Ctrl-C in the shell ends what runs behind it."""
    script = """
signal.signal(signal.SIGINT, signal.SIG_IGN)
with errors_as_one_line():
    os.kill(os.getpid(), signal.SIGINT)
    print("went on")
"""
    found = ended(script, ray_folder)
    assert (found.returncode, found.stdout, found.stderr) == (0, "went on\n", "")
