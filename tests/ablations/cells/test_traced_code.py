"""Whatever function of ours runs while a cell trains or is measured is part of the digest that its identity holds.

The digest is found by reading; here the same is watched while it happens.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
import torch
from cells import write_cell

from ablations.cells import code_digest
from ablations.cells.code_digest import MEASURING, PACKAGES, TRAINING, Place, definitions
from ablations.cells.training_members import Members, members_named, parts_named
from ablations.core.cell import train_cell
from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.training_windows import training_windows
from ablations.core.measuring import measure, metric_runs
from ablations.core.metrics.registry import METRICS
from ablations.core.metrics.registry import METRICS as PLACES
from ablations.core.model.parts import PARTS
from ablations.core.spec.cell_spec import read_measuring
from ablations.core.training.loop import run_steps
from ablations.core.training.members import members_of, read_whole
from ablations.core.training.training import Training
from ablations.core.training.weights import Trained, save_weights

ROOTS = {Path(package.__path__[0]): package.__name__ for package in map(__import__, PACKAGES)}
CELLS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "AdamW": {"optimizer": {"kind": "adamw"}, "packing": "random", "model": {"tied": True, "qk_norm": False}},
    "Muon in float32": {
        "optimizer": {"kind": "muon_float32"},
        "packing": "related",
        "schedule": {"kind": "wsd", "cooldown": 0.5},
    },
    "bfloat16": {"compute": {"dtype": "bfloat16"}, "model": {"attention": False}},
    "other parts": {
        "model": {
            "positions": {"kind": "learned"},
            "norm": {"kind": "layer", "place": "post"},
            "activation": {"kind": "swiglu"},
            "mask": {"kind": "prefix"},
            "learned_sharpness": True,
        },
        "document_mask": True,
        "spikes": {"action": "rewind", "window": 4, "deviations": 0.1, "back": 2},
        "compute": {"micro_batch": 2},
    },
    "alibi and GELU": {"model": {"positions": {"kind": "alibi"}, "activation": {"kind": "gelu"}}},
}
NO_NUMBERS = {  # what runs in a measure beside its digest, and why it may
    ("ablations.core.spec.training_spec", "TrainingSpec"):
        "its values stand in the identity; its methods check whose weights these are",
    ("ablations.core.spec.strict", "as_json"): "the same check",
    ("ablations.core.measuring", "MetricRun"): "what a measure is called",
    ("ablations.core.measuring", "label_of"): "the same",
}  # fmt: skip


@contextmanager
def traced() -> Iterator[set[CodeType]]:
    """The code of all functions that are called within the block."""
    seen: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            seen.add(frame.f_code)

    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(None)


def places_of(codes: set[CodeType]) -> set[Place]:
    """Module and definition of those that are ours; what a class body or an import does has no definition."""
    found = set()
    for code in codes:
        for root, package in ROOTS.items():
            if Path(code.co_filename).is_relative_to(root) and not code.co_qualname.startswith("<"):
                below = Path(code.co_filename).relative_to(root).with_suffix("").parts
                found.add((".".join([package, *below]), code.co_qualname.split(".")[0]))
    return found


class Quiet:
    """Watches a training and does nothing."""

    def at_point(self) -> None: ...

    def after_step(self) -> None: ...


def places_named(members: Members) -> list[Place]:
    """Where our members are defined."""
    places = [registry.places()[kind] for registry, kind in members]
    return [place for place in places if isinstance(place, tuple)]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("changes", CELLS.values(), ids=CELLS)
def test_all_that_runs_in_a_training_is_in_its_digest(tmp_path: Path, changes: dict[str, Any]) -> None:
    """If this fails, an edit of what trains leaves the identity of the old weights in place."""
    write_cell(tmp_path, **changes)
    spec = read_whole(tmp_path).training
    members = members_of(spec)
    with traced() as seen:
        training = Training(spec, training_windows(tmp_path, spec), members)
        run_steps(training, spec, Quiet())
        save_weights(training.model, tmp_path / "weights.safetensors")
    ran = places_of(seen)
    assert ("ablations.core.training.training", "Training") in ran, "else nothing was watched"
    assert len(ran) > 20
    ours = places_named(members_named(spec))
    assert len(ours) == 2 + len(PARTS)
    assert set(ours) < ran
    assert ran - definitions((*TRAINING, *ours)) == set()


@pytest.mark.parametrize("metric", METRICS.classes())
def test_all_that_runs_in_a_measure_is_in_its_digest(tmp_path: Path, metric: str) -> None:
    write_cell(tmp_path, effort={"windows": 4, "items": 4, "sequences": 4})
    train_cell(tmp_path)
    spec, measuring = read_whole(tmp_path).training, read_measuring(tmp_path)
    assert measuring
    wanted = list(metric_runs([METRICS.get(metric)()], ["control_map"]))
    with traced() as seen:
        trained = Trained.read(tmp_path, spec)
        assert trained
        found = measure(trained, wanted, EvaluationData.of(tmp_path, spec, measuring), measuring)
    assert found
    place = PLACES.places()[metric]
    assert isinstance(place, tuple)
    ran = places_of(seen)
    assert place in ran
    assert ran - definitions((*MEASURING, place, *places_named(parts_named(spec.model)))) - set(NO_NUMBERS) == set()


def test_no_module_is_imported_as_a_whole_by_its_dotted_name() -> None:
    """`import ablations.core.x` binds `ablations`, and what is then used of it could not be followed."""
    reached = {module for places in (TRAINING, MEASURING) for module, _ in definitions(places)}
    for module in reached:
        source = code_digest._module(module)
        assert source
        dotted = [name for name, place in source.imports.items() if place[0] in PACKAGES and not place[1]]
        assert dotted == [], module
