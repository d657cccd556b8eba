"""Tidying up after a killed run takes nothing that the run goes on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faults import FAULTS
from loam import Loam
from small_study import write_corpora, write_study

from curation.runtime.store.folder import MANIFEST

LIMIT_SECONDS = 200
STARTED = "runs/small.started.json"
OLD = "scores/old-0123456789ab"


def receipts(out: Path) -> dict[str, int]:
    """When each was written: a job that is done again writes another."""
    return {str(path.relative_to(out)): path.stat().st_mtime_ns for path in out.glob("*/*/receipts/*.json")}


def killed_after(study: Path, out: Path, done: int) -> None:
    """Run a study until it has so many receipts, and kill it."""
    command = [sys.executable, "-m", "ablations.cli", "ablate", "run", str(study), "--out", str(out), "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    begun = time.monotonic()
    try:
        while len(receipts(out)) < done:
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() - begun < LIMIT_SECONDS
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_gc_after_a_kill_leaves_all_that_the_run_goes_on_with(tmp_path: Path, loam: Loam) -> None:
    """If this fails, whoever makes room after a crash pays for everything twice.

    Killed within the curation, within the tokens and among the cells; each time what is done stays done.
    """
    write_corpora(tmp_path)
    study, out = write_study(tmp_path), tmp_path / "out"
    (out / OLD).mkdir(parents=True)
    (out / OLD / MANIFEST).write_text("{}")
    (out / "runs").mkdir()
    for done in (4, 40, 75, 100) if FAULTS else (4, 40, 100):
        killed_after(study, out, done)
        assert (out / STARTED).exists(), "from its start a run says what it works on"
        before = receipts(out)
        removed = loam("gc", "--out", out, "--yes")
        assert removed.code == 0, removed.err
        assert not (out / OLD).exists(), "what no run names goes"
        assert receipts(out).items() >= before.items(), "a worker may outlive its run by a job; nothing is less"
    manifests = {path: path.read_bytes() for path in out.glob(f"*/*/{MANIFEST}")}

    ended = loam("ablate", "run", study, "--out", out)
    assert ended.code == 0, ended.err
    after = receipts(out)
    assert {path: after[path] for path in before} == before, "no job that had a receipt was done again"
    assert len(after) > len(before), "else the run had been finished"
    assert {path: path.read_bytes() for path in manifests} == manifests
    assert not (out / STARTED).exists(), "its record names everything by now"
    assert "0 unused results" in loam("gc", "--out", out).out
    assert loam("verify", out).code == 0


def test_a_run_that_failed_keeps_what_it_had_too(tmp_path: Path, loam: Loam) -> None:
    write_corpora(tmp_path)
    study, out = write_study(tmp_path), tmp_path / "out"
    failed = loam("ablate", "run", study, "--out", out, "--set", "recipe.sources.korean.fields.text=body")
    assert "none of its 122 rows was kept" in failed.err
    before = receipts(out)
    assert before
    assert (out / STARTED).exists()
    assert loam("gc", "--out", out, "--yes").code == 0
    assert receipts(out) == before
