"""Asking another question of finished cells trains nothing, and measures nothing but the answer to it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from finished import Finished
from loam import Loam

from ablations.cells.measure_job import MEASURE

RMS = '''
import torch

from ablations.core.metrics.base import Measured, Metric


class WeightRms(Metric):
    """Root mean square of all weights; larger means larger weights."""

    kind = "weight_rms"
    version = 1
    unit = "weight"
    better = None
    words = "size of the weights"
    in_curve = True
    reads = frozenset()

    def measure(self, model, data):
        weights = torch.cat([weight.flatten() for weight in model.parameters()])
        return Measured([self.reading(float(weights.pow(2).mean().sqrt()), n={"weights": len(weights)})])

    def onset_threshold(self, reading, final):
        return 1e9
'''


@pytest.fixture
def mine(finished: Finished, tmp_path: Path) -> Path:
    """A copy of the finished study's output folder, and a file with a new metric."""
    shutil.copytree(finished.out, tmp_path / "out")
    (tmp_path / "rms.py").write_text(RMS, encoding="utf8")
    return tmp_path


def files(out: Path) -> dict[str, int]:
    """When each file of a training or a measure was written."""
    found = [*out.glob("cells/*/*"), *out.glob("measures/*/measure.json")]
    return {str(path.relative_to(out)): path.stat().st_mtime_ns for path in found if path.is_file()}


def new(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """Labels of the measures that were written; whatever was there has to be as it was."""
    assert {name: after[name] for name in before} == before, "what was finished was done again"
    return {name.split("/")[1].partition(".")[2].rsplit("-", 1)[0] for name in after if name not in before}


def test_a_new_metric_is_measured_from_finished_weights_with_its_curve(
    finished: Finished, mine: Path, loam: Loam
) -> None:
    """If this fails, a further look at a finished sweep costs the sweep again."""
    where = ("--out", mine / "out", "--plugin", mine / "rms.py")
    before = files(mine / "out")
    assert "6 of 6 trained, 6 to measure" in loam("ablate", "status", finished.study, *where).out
    ended = loam("ablate", "measure", finished.study, *where)
    assert ended.code == 0, ended.err
    assert new(before, files(mine / "out")) == {"weight_rms"}
    assert loam("ablate", "status", finished.study, *where).out.splitlines()[-1] == "6 of 6 trained"
    assert loam("ablate", "report", finished.study, *where).code == 0
    report = json.loads((mine / "out/reports/small.json").read_text(encoding="utf8"))
    (row,) = [row for row in report["measures"] if row["measure"] == "weight_rms"]
    assert set(row["arms"]) >= {"english", "both", "control_glossary"}
    curve = next(curve for curve in report["curves"] if curve["arm"] == "english")
    assert all("weight_rms" in point["measures"] for point in curve["points"])
    assert curve["onsets"]["weight_rms"]["by_tokens"] is None


def test_more_items_measure_the_tasks_alone(finished: Finished, mine: Path, loam: Loam) -> None:
    before = files(mine / "out")
    more = ("--out", mine / "out", "--set", "cells.effort.items=6", "--set", "controls.cells.effort.items=6")
    assert loam("ablate", "measure", finished.study, *more).code == 0
    measured = {label.split(".")[0] for label in new(before, files(mine / "out"))}
    assert measured == {"few_shot", "head_ablation"}


def test_a_new_task_measures_that_task_alone(finished: Finished, mine: Path, loam: Loam) -> None:
    rows = mine / "rows.jsonl"
    before = files(mine / "out")
    tasks = [json.dumps(task) for task in _tasks(finished)]
    rows.write_text("\n".join(f'{{"n": {n}}}' for n in range(35)), encoding="utf8")
    third = json.dumps({"kind": "count_up", "name": "again", "pool": str(rows), "queries": _queries(finished),
                        "draws": 1, "items": 3})  # fmt: skip
    change = f"tasks=[{', '.join([*tasks, third])}]"
    ended = loam("ablate", "measure", finished.study, "--out", mine / "out", "--set", change)
    assert ended.code == 0, ended.err
    assert new(before, files(mine / "out")) == {"few_shot.again", "head_ablation.again"}


def _tasks(finished: Finished) -> list[object]:
    import yaml

    return list(yaml.safe_load(finished.study.read_text(encoding="utf8"))["tasks"])


def _queries(finished: Finished) -> str:
    return str(next(task["queries"] for task in _tasks(finished) if isinstance(task, dict)))


def test_one_cell_is_measured_and_its_numbers_are_printed(finished: Finished, mine: Path, loam: Loam) -> None:
    plugins = ("--plugin", mine / "rms.py", "--plugin", finished.folder / "norm.py")
    ended = loam("ablate", "measure", "english", "--metric", "weight_rms", "--out", mine / "out", *plugins)
    assert ended.code == 0, ended.err
    assert "size of the weights" in ended.out
    assert len(list((mine / "out/measures").glob("*weight_rms*"))) == 1
    unknown = loam("ablate", "measure", "english", "--metric", "weight_rmz", "--out", mine / "out", *plugins)
    assert unknown.code == 2
    assert "Did you mean 'weight_rms'?" in unknown.err
    task = loam("ablate", "measure", finished.study, "--task", "control_mat", "--out", mine / "out")
    assert task.code == 2
    assert "control_map" in task.err


def test_weights_along_the_way_can_be_freed_and_what_was_measured_stays(
    finished: Finished, mine: Path, loam: Loam
) -> None:
    listed = loam("gc", "--checkpoints", "--out", mine / "out")
    assert "Remove them with --yes" in listed.out
    assert list((mine / "out").glob("cells/*/points/*"))
    assert loam("gc", "--checkpoints", "--yes", "--out", mine / "out").code == 0
    assert not list((mine / "out").glob("cells/*/points/*"))
    assert loam("ablate", "status", finished.study, "--out", mine / "out").out.splitlines()[-1] == "6 of 6 trained"
    assert loam("verify", mine / "out").code == 0
    where = ("--out", mine / "out", "--plugin", mine / "rms.py")
    assert loam("ablate", "measure", finished.study, *where).code == 0
    value = json.loads(next((mine / "out/measures").glob(f"english_s0.weight_rms-*/{MEASURE}")).read_bytes())
    assert [point["tokens"] for point in value["curve"]] == [6144], "only the weights of the end are here"


def test_a_cell_whose_weights_are_elsewhere_says_so(finished: Finished, mine: Path, loam: Loam) -> None:
    """If this fails, a result from a pack looks as if it could be measured again."""
    packed, out = mine / "packed", mine / "out"
    for folder in (*out.glob("cells/english_s0-*"), *out.glob("measures/english_s0.*")):
        shutil.rmtree(folder)
    assert loam("ablate", "pack", finished.study, packed, "--out", out).code == 0
    from ablations.elsewhere.runner.run_all import main

    assert main([str(packed)]) == 0
    for weights, expected in (("none", 1), ("last", 0)):
        main([str(packed), "--weights", weights])
        merged = loam("ablate", "unpack", finished.study, packed, "--out", out)
        assert merged.code == 0, merged.err
        assert "\n6 of 6 trained" in merged.out
        where = ("--out", out, "--plugin", mine / "rms.py")
        status = loam("ablate", "status", finished.study, *where).out
        assert ("cannot be measured again here" in status) == (weights == "none")
        assert loam("ablate", "measure", finished.study, *where).code == expected
