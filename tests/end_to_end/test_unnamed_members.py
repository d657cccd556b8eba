"""What no study names is no part of its cells: the file of a task or of a metric may come and go, and nothing trains again."""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from conftest import Finished

from ablations.readings.registries import METRICS, TASKS
from ablations.study.opening import prepared_study
from curation.runtime.command_line.options import Command
from curation.runtime.registry import Registry

NAMED = "metrics=[bits_per_byte, few_shot]"
TASK = """# Ours.
kind: praise
version: 1
sample: {text: "a fine day", label: 1}
templates:
  - {query: "{text}", cue: " meant", choices: [" ill", " well"]}
  - {query: "{text}", choices: [" bad", " good"]}
"""
METRIC = '''
"""Ours."""

from ablations.core.metrics.base import Metric, Reading


class LargestWeight(Metric):
    """The largest weight."""

    kind = "largest_weight"
    version = 1
    unit = "weight"
    lower_is_better = True
    in_curve = False

    def measure(self, model, data):
        return Reading({"max": max(float(w.detach().max()) for w in model.parameters())}, {"max": 1})
'''


def install(registry: Registry[Any], name: str, text: str, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package of a registry is from now on a copy of itself with one more file, as after an upgrade of Loam."""
    package = import_module(registry.package)
    copy = Path(shutil.copytree(Path(*package.__path__), scratch / registry.what))
    (copy / name).write_text(text, encoding="utf8")
    monkeypatch.setattr(package, "__path__", [str(copy)])
    monkeypatch.setattr(package.__spec__, "submodule_search_locations", [str(copy)])
    assert name.partition(".")[0] in registry.catalogue()


def cells_of(finished: Finished, *changes: str) -> dict[str, str]:
    """Name -> fingerprint of every cell; refused if a stage below them would have to be done again."""
    prepared = prepared_study(Command(str(finished.study), str(finished.out), workers=2, settings=changes))
    return {f"{plan.arm} {plan.seed}": plan.output.fingerprint for plan in prepared.plans}


@pytest.mark.parametrize(
    ("registry", "name", "text"),
    [(TASKS, "praise.yaml", TASK), (METRICS, "largest_weight.py", METRIC)],
    ids=["task", "metric"],
)
def test_a_task_or_a_metric_that_no_study_names_changes_no_cell(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Any, name: str, text: str
) -> None:
    """If this fails, an upgrade that only brings a new task or metric trains every cell of every study again."""
    before = cells_of(finished, NAMED)
    install(registry, name, text, tmp_path, monkeypatch)
    assert cells_of(finished, NAMED) == before
