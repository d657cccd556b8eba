"""Killed at any moment and started again, a study ends with the same bytes."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_study import write_corpora, write_study

KILLS = 12
DATA = (".parquet", ".bin", ".safetensors", ".model", "result.json", "cell.json")
LIMIT_SECONDS = 300


def start(study: Path, out: Path, workers: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ablations.cli", "ablate", "run", str(study), "--out", str(out)]
    return subprocess.Popen(
        [*command, "--workers", str(workers)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # a process group of its own, to be killed as a whole
    )


def finish(study: Path, out: Path, workers: int) -> float:
    begun = time.monotonic()
    process = start(study, out, workers)
    _, errors = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 0, errors.decode()
    return time.monotonic() - begun


def kill_after(study: Path, out: Path, seconds: float) -> bool:
    """Whether the run was killed before it ended by itself."""
    process = start(study, out, 2)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    process.communicate()
    return False


def contents(out: Path) -> dict[str, str]:
    """Hash of every data file by its path; times and costs are not data."""
    files = [path for path in out.rglob("*") if path.is_file() and path.name.endswith(DATA)]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_study_killed_twelve_times_gives_the_bytes_of_an_undisturbed_one(tmp_path: Path) -> None:
    """If this fails, whoever restarts a job after a node died trains on something else than they think."""
    write_corpora(tmp_path)
    study = write_study(tmp_path)
    whole = finish(study, tmp_path / "whole", 2)
    expected = contents(tmp_path / "whole")
    again = finish(study, tmp_path / "whole", 2)  # how long a run with nothing left to do takes
    assert contents(tmp_path / "whole") == expected

    rng = random.Random(20220710)
    moments = sorted(rng.uniform(0, whole - again) for _ in range(KILLS))
    # each run goes on from the one before: it gets the time to start, and then the time up to its own moment
    delays = [again * 0.8 + after - before for before, after in zip([0.0, *moments], moments, strict=False)]
    killed = sum(kill_after(study, tmp_path / "killed", seconds) for seconds in delays)
    finish(study, tmp_path / "killed", 2)

    assert killed >= KILLS - 2, "the moments must lie within the study's duration, else nothing was tested"
    assert contents(tmp_path / "killed") == expected


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_worker_and_two_give_the_same_bytes_in_other_folders(tmp_path: Path) -> None:
    """If this fails, results depend on the size of the cluster."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_corpora(tmp_path / name)
        study = write_study(tmp_path / name)
        finish(study, tmp_path / name / "out", {"one": 1, "two": 2}[name])
    assert contents(tmp_path / "one" / "out") == contents(tmp_path / "two" / "out")
