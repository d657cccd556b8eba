"""Killed at any moment and started again, a study ends with the same bytes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from bytes_of_a_study import contents
from faults import FAULTS
from small_study import write_corpora, write_study
from undisturbed import LIMIT_SECONDS, PHASES, Undisturbed, finish, is_in, receipts, start

KILLS = 12 if FAULTS else 5  # of one run


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


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_study_killed_again_and_again_gives_the_bytes_of_an_undisturbed_one(
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
