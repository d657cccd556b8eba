"""Cells ask Ray for what they use."""

from __future__ import annotations

from pathlib import Path

import pytest
from packed_cells import plan, token_set

from ablations.cells.cell_folder import cell_job
from ablations.cells.cells import CellPlan
from curation.runtime.errors import ConfigError
from curation.runtime.store.folder import open_out


def planned(folder: Path, device: str) -> CellPlan:
    return plan(token_set(folder, "glossary"), 0, compute={"device": device, "threads": 3})


@pytest.mark.parametrize(("device", "gpus"), [("cpu", 0.0), ("cuda", 1.0), ("cuda:0", 1.0), ("cuda:1", 1.0)])
def test_a_cell_on_a_gpu_asks_for_a_whole_one(tmp_path: Path, device: str, gpus: float) -> None:
    """If this fails, several cells share a device by accident, and run out of its memory together."""
    stage = planned(tmp_path, device).stage()
    assert (stage.gpus, stage.cpus) == (gpus, 3)


def test_a_cell_that_names_one_of_several_gpus_does_not_run(tmp_path: Path) -> None:
    """A task sees the GPU that Ray gave it, as the only one; another number would be none, or another cell's."""
    (job,) = planned(tmp_path, "cuda:1").stage().jobs
    with pytest.raises(ConfigError, match=r"compute\.device: cuda:1 names one of several"):
        cell_job(None, job.spec, {"cell": open_out(str(tmp_path / "out"))})


@pytest.mark.parametrize("compile", [False, True])
def test_a_cell_asks_for_the_memory_of_its_shape_however_long_it_trains(tmp_path: Path, compile: bool) -> None:
    """If this fails, cells of a billion tokens ask for a whole node each, and its other cores wait."""
    tokens = token_set(tmp_path, "glossary")

    def memory(schedule: dict[str, int]) -> int:
        stage = plan(tokens, 0, schedule=schedule, compute={"compile": compile}).stage()
        return stage.needs(stage.jobs[0]).memory

    short = memory({"tokens": 2**20, "batch": 4})
    assert memory({"tokens": 2**40, "batch": 4}) == short
    assert short < memory({"tokens": 2**20, "batch": 4096})
    assert 350 * 2**20 < short < (1 + compile) * 2**30
