"""Killed at any moment and started again, a study ends with the same bytes."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from bytes_of_a_study import contents
from small_study import write_corpora, write_study

KILLS, CELLS = 12, 6
PHASES = ("tokenizer/main", "measures/", "report")  # in which a kill is certain to fall, beside those at any time
LIMIT_SECONDS = 300


def start(study: Path, out: Path, workers: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ablations.cli", "study", str(study), "--out", str(out)]
    return subprocess.Popen(
        [*command, "--workers", str(workers)],
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


def kill_at(study: Path, out: Path, done: int, offset: float, startup: float) -> bool:
    """Kill the run `offset` seconds after its receipts are `done`; whether it was still running then."""
    # on a machine that has grown quicker since, the whole of the start-up would outlast what is left to do
    wait = offset + (0.8 * startup if done and receipts(out) >= done else 0.0)
    process = start(study, out, 2)
    begun = time.monotonic()
    while receipts(out) < done and process.poll() is None and time.monotonic() - begun < LIMIT_SECONDS:
        time.sleep(0.02)
    return kill_after(process, wait)


def kill_after(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether it was still running then."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    process.communicate()
    return False


def kill_in(phase: str, study: Path, out: Path, offset: float) -> bool:
    """Kill the run `offset` seconds after a phase has begun; whether it was still running then."""
    process = start(study, out, 2)
    begun = time.monotonic()
    while not is_in(phase, out) and process.poll() is None and time.monotonic() - begun < LIMIT_SECONDS:
        time.sleep(0.01)
    return kill_after(process, offset)


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


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("two")
    write_corpora(folder)
    study = write_study(folder)
    return Undisturbed(study, folder / "out", *finish(study, folder / "out", 2))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_study_killed_twelve_times_gives_the_bytes_of_an_undisturbed_one(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    """If this fails, whoever restarts a job after a node died trains on something else than they think."""
    study, appeared, begun = undisturbed.study, undisturbed.appeared, undisturbed.begun
    assert list(begun) == list(PHASES)
    expected = contents(undisturbed.out)
    finish(study, undisturbed.out, 2)
    assert contents(undisturbed.out) == expected, "a second run changed what the first one made"

    rng = random.Random(20220710)
    killed = 0
    # else each start would estimate anew
    shutil.copytree(undisturbed.out / "estimates", tmp_path / "killed" / "estimates")
    uniform = [(rng.uniform(0, appeared[-1]), "") for _ in range(KILLS - len(PHASES))]
    for moment, phase in sorted([*uniform, *((when, phase) for phase, when in begun.items())]):
        if phase:
            killed += kill_in(phase, study, tmp_path / "killed", rng.uniform(0, 0.3))
            continue
        # the same point of the work, whatever the restarts cost: so many receipts, and so long after the last of them
        done = sum(seen <= moment for seen in appeared)
        offset = moment - appeared[done - 1] if done else moment
        killed += kill_at(study, tmp_path / "killed", done, offset, appeared[0])
    finish(study, tmp_path / "killed", 2)

    assert contents(tmp_path / "killed") == expected
    assert killed >= KILLS - 2, "the moments must lie within the study's duration, else nothing was tested"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_worker_and_two_give_the_same_bytes_in_other_folders(undisturbed: Undisturbed, tmp_path: Path) -> None:
    """If this fails, results depend on the size of the cluster."""
    write_corpora(tmp_path)
    finish(write_study(tmp_path), tmp_path / "out", 1)
    assert contents(tmp_path / "out") == contents(undisturbed.out)
