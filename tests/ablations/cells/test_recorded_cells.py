"""Cells are found by the records of their studies alone; what a pilot takes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablations.cells.cell_files import cell_result
from ablations.cells.recorded_cells import recorded_cells
from ablations.core.results.answers import GroupAnswers, Score, TaskAnswers
from ablations.core.results.readings import Reading
from ablations.evidence.pilot import finished_cells, pilot_of
from curation.runtime.errors import ConfigError, DamagedError
from curation.runtime.identity import IDENTITY
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.marks import MarkingFolder

GAIN = "few_shot.qa.k1.permuted_minus_gold"
HALVES = """
from ablations.readings.label_metrics.base import LabelMetric

class Halves(LabelMetric):
    kind, version, unit, words, examples = "halves", 1, "share", "halves", ()

    def score(self, gold, predicted):
        return 0.5

    def guessed(self, shares):
        return 0.5
"""
Add = Callable[..., None]


def write_stage(folder: Folder, stage: str, files: dict[str, Any]) -> None:
    marking = MarkingFolder(folder.url)
    for name, value in files.items():
        marking.write_json(name, value)
    Manifest(stage, folder.name, {"stage": stage}, [], files=marking.marks).save(folder)


def asked(loss: float) -> dict[str, Any]:
    """Two items at k = 1; permuted labels cost twice the loss."""
    groups = [
        GroupAnswers(1, condition, 0, tuple(Score(id_, 0, (-factor * loss, -9.0), (1, 1)) for id_ in "ab"), (0,))
        for condition, factor in (("gold", 1), ("permuted", 3))
    ]
    return TaskAnswers("qa", tuple(groups)).to_json()


def measure_file(metric: str, task: str, readings: list[Reading], answers: dict[str, Any]) -> dict[str, Any]:
    final = {"readings": [reading.to_json() for reading in readings], "answers": answers, "details": {}}
    heading = {"format": 1, "metric": metric, "task": task, "version": 1, "weights": "0"}
    return {"measure.json": {**heading, "curve": [], "final": final}}


@pytest.fixture
def add(out: Folder) -> Add:
    """Writes a cell of two measures, if it is new, and its entry into a study's record."""

    def added(study: str, arm: str, seed: int, labels: tuple[str, ...] = ("heads", "few_shot.qa")) -> None:
        name = f"{arm}_s{seed}-0123456789ab"
        files = {"training.json": {"tokens": 1}, "timing.json": {"seconds": 10.0 + seed}}
        write_stage(out / "cells" / name, "cells", files)
        write_stage(out / "items/qa-0", "items", {"items.json": {"groups": [1], "item_sets": [2], "labels": ["x", "y"],
                    "metrics": ["halves"], "generation": None, "counts": {"dropped": 3}}})  # fmt: skip
        heads = Reading("heads", float(seed), "heads", "higher", "induction heads", "induction_heads")
        contents = {
            "heads": measure_file("heads", "", [heads], {}),
            "few_shot.qa": measure_file("few_shot", "qa", [], {"": asked(1.0 + seed)}),
        }
        for label in labels:
            write_stage(out / "measures" / f"{name}.{label}", "measures", contents[label])
        entry = {
            "folder": f"cells/{name}",
            "arm": arm,
            "seed": seed,
            "items": {"qa": "items/qa-0"},
            "measures": {label: f"measures/{name}.{label}" for label in labels},
        }
        file = f"{study}.study.json"
        runs = out / "runs"
        record: dict[str, Any] = (
            runs.read_json(file) if runs.exists(file) else {"identity": IDENTITY, "name": study, "cells": {}}
        )
        record["cells"][name] = entry
        runs.write_json(file, record)

    return added


def test_cells_are_read_without_their_study(out: Folder, add: Add) -> None:
    add("one", "arm", 2)
    (found,) = recorded_cells(out)
    kept = found.files()
    result = cell_result(kept)
    assert (found.record["name"], kept.arm, kept.seed) == ("one", "arm", 2)
    assert result.values["heads.induction_heads"] == 2
    assert result.values[GAIN] == pytest.approx(6)
    assert result.counts == {"qa": {"dropped": 3}}
    assert "groups" not in kept.items["qa"]
    assert found.items("qa")["groups"] == [1]


def test_a_metric_of_a_plugin_is_read_only_with_the_file_that_the_reader_names(out: Folder, add: Add) -> None:
    add("one", "arm", 0)
    (found,) = recorded_cells(out)
    name = "few_shot.qa.k1.gold.halves"
    assert name not in cell_result(found.files()).values
    assert cell_result(found.files([Plugin("halves.py", HALVES)])).values[name] == 0.5


def test_a_cell_that_is_not_trained_is_passed_over(out: Folder, add: Add) -> None:
    add("one", "arm", 0)
    add("one", "arm", 1)
    Path(out.url, "cells/arm_s0-0123456789ab/manifest.json").unlink()
    assert [cell.name for cell in recorded_cells(out)] == ["arm_s1-0123456789ab"]


def test_records_of_earlier_programs_are_passed_over(out: Folder, add: Add) -> None:
    """If this fails, one old study keeps everything else in a folder from being read."""
    add("new", "arm", 0)
    old = {"name": "old", "cells": {"12ab": "cells/arm_s0-0123456789ab"}}
    (out / "runs").write_json("old.study.json", old)
    (out / "runs").write_json("older.study.json", {**old, "identity": 1})
    (out / "runs").write_json("curated.json", {"kind": "curation"})
    assert [cell.record["name"] for cell in recorded_cells(out)] == ["new"]
    assert list(recorded_cells(out, "old")) == []
    assert list(recorded_cells(Folder(f"{out.url}/nowhere"))) == []


def test_a_pilot_is_of_one_study_or_of_all_and_counts_a_shared_cell_once(out: Folder, add: Add) -> None:
    add("one", "arm", 0, ("heads",))
    add("one", "arm", 1)
    add("two", "arm", 0, ("few_shot.qa",))
    both = pilot_of(out.url)
    assert [cell.seed for cell in both.measures.cells] == [0, 1]
    assert sorted(both.seconds) == [10, 11]
    assert both.measures.of("arm", "heads.induction_heads") == {0: 0, 1: 1}
    assert both.measures.of("arm", GAIN) == {0: pytest.approx(2), 1: pytest.approx(4)}
    one = finished_cells(out, "two")
    assert one.measures.names() == sorted(one.measures.cells[0].values)
    assert (one.seconds, one.measures.of("arm", "heads.induction_heads")) == ((10.0,), {})


def test_a_pilot_without_cells_and_one_with_a_damaged_measure_are_refused(out: Folder, add: Add) -> None:
    with pytest.raises(ConfigError, match="no trained cell of a study in it"):
        pilot_of(out.url)
    add("one", "arm", 0)
    Path(out.url, "measures/arm_s0-0123456789ab.heads/measure.json").write_text("{}")
    with pytest.raises(DamagedError, match=r"measure.json"):
        pilot_of(out.url)
