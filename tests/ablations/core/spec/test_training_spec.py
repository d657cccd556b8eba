"""What a training and a measure are: every value of their specs is part of the identity, whether it was written or left out."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from packed_cells import plan, token_set
from spec_fields import defaults, leaves, named, with_other, without

from ablations.cells.cells import CellPlan
from ablations.cells.measuring_plan import identity_of_asked
from ablations.core.model.parts import parts_of
from ablations.core.spec.cell_spec import CellSpec
from ablations.core.spec.measuring_spec import EffortSpec, MeasuringSpec
from ablations.core.spec.member_spec import MemberSpec
from ablations.core.spec.model_spec import ModelSpec
from ablations.core.spec.strict import as_json as plain
from ablations.core.spec.strict import build
from ablations.core.spec.training_spec import (
    ComputeSpec,
    ScheduleSpec,
    SeedSpec,
    SpikeSpec,
    TrainingSpec,
    TrainSource,
)
from ablations.core.training.members import whole_training
from ablations.core.training.optimizers.muon import Muon
from ablations.core.training.schedules.constant import Constant

NAMED = TrainingSpec(
    SeedSpec(1, 2, 3),
    ModelSpec(vocab_size=50, layers=2, width=16, heads=2, context=24),
    ScheduleSpec(tokens=9600, batch=4),
    (TrainSource("a", "tokens/a"), TrainSource("b", "tokens/b")),
)
TRAINING = whole_training(NAMED, ())
CELL = CellSpec("arm", 0, TRAINING)
SPECS = {"cell": CELL, "training": TRAINING, "measuring": MeasuringSpec(6)}
WHICH = {"heldout", "tasks", "metrics", "plugins"}  # what is measured: known by content, one measure each
training_fields = pytest.mark.parametrize("path", list(leaves(TRAINING)), ids=named)
measuring_fields = pytest.mark.parametrize(
    "path", [path for path in leaves(MeasuringSpec(6)) if path[0] not in WHICH], ids=named
)


def as_json(spec: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(plain(spec)))
    return found


def built(cls: type[Any], value: dict[str, Any], where: str) -> Any:
    """As a cell reads it."""
    made = build(cls, value, where)
    if isinstance(made, CellSpec):
        return dataclasses.replace(made, training=whole_training(made.training, ()))
    return whole_training(made, ()) if isinstance(made, TrainingSpec) else made


def test_the_walk_comes_to_every_spec() -> None:
    """If this fails, a field that changes bytes may be no part of an identity, and nobody is told."""
    found = {named(path) for path in leaves(TRAINING)}
    heads: dict[str, list[type[Any]]] = {"seeds": [SeedSpec], "model": [ModelSpec], "compute": [ComputeSpec]}
    heads |= {"train.0": [TrainSource], "train.1": [TrainSource]}
    heads |= {"schedule": [ScheduleSpec, Constant], "optimizer": [MemberSpec, Muon], "spikes": [SpikeSpec]}
    heads |= {f"model.{part}": [MemberSpec, type(member)] for part, member in vars(parts_of(TRAINING.model)).items()}
    fields = [
        (head, field.name) for head, classes in heads.items() for cls in classes for field in dataclasses.fields(cls)
    ]
    inner = {f"{head}.{name}" for head, name in fields if name != "settings" and f"{head}.{name}" not in heads}
    assert {"optimizer.beta1", "optimizer.momentum", "schedule.warmup_steps"} < inner
    assert found == inner | {"bos", "packing", "document_mask", "gradient_clip", "evaluations", "plugins"}
    effort = {f"effort.{field.name}" for field in dataclasses.fields(EffortSpec)}
    assert {named(path) for path in leaves(MeasuringSpec(6))} == effort | WHICH | {
        "seed",
        "specials",
        "numbers",
        "capitals",
    }


@training_fields
def test_another_value_is_another_training(path: tuple[str, ...]) -> None:
    """If this fails, weights that were trained in one way are taken for those of another."""
    other = with_other(TRAINING, path)
    assert other != TRAINING
    assert other.digest() != TRAINING.digest()


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> CellPlan:
    """A cell with a metric of each sort: of held-out text, random sequences, a task, and one of the whole cell and its tasks."""
    metrics = ["bits_per_byte", "context_gain", "repeated_tokens", "few_shot", "head_ablation"]
    return plan(token_set(tmp_path_factory.mktemp("tokens"), "glossary"), 0, metrics=metrics)


def identities(planned: CellPlan, measuring: MeasuringSpec) -> dict[str, str]:
    changed = dataclasses.replace(planned, measuring=dataclasses.replace(planned.measuring, spec=measuring))
    return {label: identity_of_asked(asked) for label, asked in changed.asked.items()}


@measuring_fields
def test_another_value_is_another_measure(planned: CellPlan, path: tuple[str, ...]) -> None:
    """If this fails, a number that was measured on less is taken for one that was measured on more."""
    spec = planned.measuring.spec
    assert identities(planned, with_other(spec, path)) != identities(planned, spec)


def test_what_a_metric_does_not_read_changes_no_measure_of_it(planned: CellPlan) -> None:
    """If this fails, more items of a task measure all text again."""
    spec = planned.measuring.spec
    more = dataclasses.replace(spec, effort=dataclasses.replace(spec.effort, items=99))
    before, after = identities(planned, spec), identities(planned, more)
    changed = {label for label in before if before[label] != after[label]}
    assert changed == {"few_shot.control_map", "head_ablation", "head_ablation.control_map"}
    fewer = dataclasses.replace(spec, metrics=spec.metrics[:1])
    assert identities(planned, fewer) == {"bits_per_byte": before["bits_per_byte"]}


every_default = pytest.mark.parametrize(
    ("name", "path"),
    [(name, path) for name, spec in SPECS.items() for path in defaults(spec)],
    ids=lambda value: value if isinstance(value, str) else named(value),
)


@every_default
def test_a_default_that_is_written_out_changes_nothing(name: str, path: tuple[str, ...]) -> None:
    """If this fails, a user who writes down what holds anyway trains everything again."""
    spec = SPECS[name]
    again = built(type(spec), without(as_json(spec), [path]), name)
    assert again == spec
    if isinstance(again, TrainingSpec):
        assert again.digest() == TRAINING.digest()


@pytest.mark.parametrize("name", SPECS)
def test_all_defaults_left_out_give_what_all_defaults_written_out_give(name: str) -> None:
    spec = SPECS[name]
    outermost = [
        path for path in defaults(spec) if not any(path[:n] in set(defaults(spec)) for n in range(1, len(path)))
    ]
    assert built(type(spec), without(as_json(spec), outermost), name) == spec
    assert built(type(spec), as_json(spec), name) == spec


def test_a_whole_number_is_the_same_as_one_with_a_point() -> None:
    value = as_json(TRAINING)
    value["model"]["mlp_ratio"], value["optimizer"]["weight_decay"] = 4, 0
    assert built(TrainingSpec, value, "training").digest() == TRAINING.digest()


def test_names_and_checkpoints_are_no_part_of_a_training() -> None:
    for name in ("arm", "seed", "checkpoint_every_steps", "defaults"):
        assert with_other(CELL, (name,)).training.digest() == TRAINING.digest()
