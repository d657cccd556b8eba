"""A cell is what its resolved training says: every setting of it counts, written out or not, and nothing else does.

With the plans of a real small study, whose text was curated and encoded once.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_study import write_corpora, write_study

from ablations.cells.cells import CellPlan
from ablations.cells.measuring_plan import metric_of
from ablations.core.model.activations.relu2 import Relu2
from ablations.core.model.masks.causal import Causal
from ablations.core.model.norms.rms import Rms
from ablations.core.model.positions.rope import Rope
from ablations.core.spec.measuring_spec import EffortSpec
from ablations.core.spec.model_spec import ActivationSpec, MaskSpec, NormSpec, PositionsSpec
from ablations.core.spec.strict import OPEN, as_json
from ablations.core.spec.training_spec import OptimizerSpec, ScheduleSpec, TrainingSpec
from ablations.core.training.optimizers.muon import Muon
from ablations.core.training.schedules.constant import Constant
from ablations.settings import study_file as settings
from ablations.settings.cells import CellSettings, cells_of
from ablations.study import pipeline as study
from ablations.study.pipeline import Prepared
from curation.runtime.cluster.cluster import Compute
from curation.runtime.config import merged
from curation.runtime.errors import ConfigError
from curation.runtime.identity import fingerprint
from curation.runtime.store.folder import open_out

pytestmark = pytest.mark.end_to_end  # of a study that was curated and encoded

GPU = "machine={device: some GPU, torch: 1.2.3}"  # so that cells can be planned for one
TASK = "{kind: control_map, items: 10, draws: 2}"  # its prompts are made soon
NO_PART_OF_A_CELL = ("effort.", "checkpoint_every_steps")
Plans = dict[str, CellPlan]


@dataclasses.dataclass(frozen=True)
class Small:
    """The small study, curated and encoded."""

    path: Path
    prepared: Prepared

    def plans(self, *changes: str) -> Plans:
        """`<arm> <seed>` -> the cell, with `--set` changes that need no other tokens."""
        loaded, recipe = settings.load(str(self.path), (GPU, *changes))
        shared = next(iter(self.prepared.of_arms.values()))
        found = study.cell_plans(loaded, recipe.root, dict.fromkeys(loaded.arms, shared), self.prepared.controls, {})
        return {f"{plan.arm} {plan.seed}": plan for plan in found}


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, compute: Compute) -> Small:
    folder = tmp_path_factory.mktemp("identity")
    write_corpora(folder)
    path = write_study(folder, tasks=[yaml.safe_load(TASK)])
    loaded, recipe = settings.load(str(path))
    return Small(path, study.prepare(loaded, recipe, open_out(str(folder / "out")), compute))


@pytest.fixture(scope="session")
def before(small: Small) -> Plans:
    return small.plans()


def cells(plans: Plans) -> dict[str, str]:
    return {name: plan.output.fingerprint for name, plan in plans.items()}


def changed(before: Plans, after: Plans) -> set[str]:
    """Names of cells that are others; the same arms and seeds have to be there."""
    assert set(before) == set(after)
    return {name for name in before if before[name].output.fingerprint != after[name].output.fingerprint}


def leaves(cls: type[Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Path and type of every value of a dataclass and of those in it; of members those of the small study's."""
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if field.metadata == OPEN:
            yield from leaves(MEMBERS[cls], above)
        elif dataclasses.is_dataclass(hints[field.name]):
            yield from leaves(hints[field.name], f"{above}{field.name}.")
        elif typing.get_origin(hints[field.name]) is not typing.ClassVar:
            yield f"{above}{field.name}", hints[field.name]


MEMBERS: dict[type[Any], type[Any]] = {
    OptimizerSpec: Muon,
    ScheduleSpec: Constant,
    PositionsSpec: Rope,
    NormSpec: Rms,
    ActivationSpec: Relu2,
    MaskSpec: Causal,
}
LEAVES = dict(leaves(CellSettings))
TRAINED = [path for path in LEAVES if not path.startswith(NO_PART_OF_A_CELL) and not path.endswith(".kind")]


def value_at(value: Any, path: str) -> Any:
    value = as_json(value)
    for name in path.split("."):
        value = value[name]
    return value


def others(path: str, value: Any) -> list[Any]:
    """Values that a setting may have instead; not all of them go with the rest."""
    hint = LEAVES[path]
    if typing.get_origin(hint) is typing.Literal:
        return [word for word in typing.get_args(hint) if word != value]
    if hint is bool:
        return [not value]
    if hint is str:
        return ["cuda"]
    wanted = [2 * value, value + 1, value / 2, 0.5, 0.25]
    return [hint(each) for each in wanted if hint(each) == each and each != value]


def with_one_changed(small: Small, heads: Sequence[str], path: str) -> Plans:
    """The plans with another value at a path; if none goes with the rest, then beside another value of a neighbour."""
    loaded = settings.load(str(small.path))[0]
    now = cells_of(loaded.cells, {}, "cells")
    of_controls = value_at(cells_of(loaded.control_settings.cells, {}, "controls.cells"), path)
    neighbours = [each for each in LEAVES if each.rpartition(".")[0] == path.rpartition(".")[0] and each != path]
    alone = [{path: each} for each in others(path, value_at(now, path)) if each != of_controls]
    beside = [{**a, n: b} for a, n in product(alone, neighbours) for b in others(n, value_at(now, n))]
    for values in (*alone, *beside):
        try:
            return small.plans(*(f"{head}.{at}={yaml.safe_dump(to)}" for head in heads for at, to in values.items()))
        except ConfigError:
            continue
    pytest.fail(f"{path} can have no other value")


def own(small: Small, path: str) -> set[str]:
    """Cells of control arms that say something of their own at a path."""
    arms = settings.load(str(small.path))[0].control_settings.arms
    head, _, name = path.partition(".")
    return {arm for arm, said in arms.items() if name in said.cells.get(head, {})}


HEADS = ("cells", "controls.cells")


@pytest.mark.parametrize("path", TRAINED)
def test_another_value_is_another_cell_of_every_arm(small: Small, before: Plans, path: str) -> None:
    """If this fails, a setting can be changed and old weights pass for new ones."""
    after = with_one_changed(small, HEADS, path)
    assert changed(before, after) == {name for name, plan in before.items() if plan.arm not in own(small, path)}


@pytest.mark.parametrize("other", ["optimizer={kind: adamw}", "optimizer={kind: muon_float32}", "schedule.kind=wsd"])
def test_another_optimizer_or_schedule_is_another_cell(small: Small, before: Plans, other: str) -> None:
    """Each has settings of its own, so that its name alone does not say it."""
    after = small.plans(f"cells.{other}", *(["cells.schedule.cooldown=0.5"] if "wsd" in other else []))
    assert changed(before, after) == {name for name, plan in before.items() if not plan.control}


def test_what_is_said_of_the_arms_leaves_the_controls_what_they_are(small: Small, before: Plans) -> None:
    real = {name for name, plan in before.items() if not plan.control}
    assert changed(before, with_one_changed(small, HEADS[:1], "optimizer.beta1")) == real
    assert changed(before, with_one_changed(small, HEADS[1:], "optimizer.beta1")) == set(before) - real


@pytest.mark.parametrize("path", LEAVES)
def test_writing_out_what_was_left_to_a_default_changes_nothing(small: Small, before: Plans, path: str) -> None:
    """If this fails, making a study clearer trains it again."""
    loaded = settings.load(str(small.path))[0]
    said = loaded.cells, loaded.control_settings.cells
    now = [value_at(cells_of(each, {}, "cells"), path) for each in said]
    as_written = [int(value) if isinstance(value, float) and value.is_integer() else value for value in now]
    pairs = zip(HEADS, as_written, strict=True)
    after = small.plans(*(f"{head}.{path}={yaml.safe_dump(value)}" for head, value in pairs))
    assert changed(before, after) == set()
    assert asked(before) == asked(after)


def asked(plans: Plans) -> dict[str, dict[str, str]]:
    """Cell -> label of a measure -> identity of what it asks."""
    return {name: {label: fingerprint(asked) for label, asked in plan.asked.items()} for name, plan in plans.items()}


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(EffortSpec)])
def test_more_effort_trains_nothing_and_measures_what_reads_it(small: Small, before: Plans, field: str) -> None:
    """If this fails, more items of a task cost a sweep, or an old measure passes for one over more items."""
    after = with_one_changed(small, HEADS, f"effort.{field}")
    assert changed(before, after) == set()
    for name, plan in before.items():
        expected = set()
        for each in plan.measuring.measures():
            metric = metric_of(each.metric, ())
            in_curve = not field.startswith("curve_") or metric.in_curve
            if field == "batch" or (field.removeprefix("curve_") in metric.reads and in_curve):
                expected.add(each.label)
        old, new = asked(before)[name], asked(after)[name]
        assert {label for label in old if old[label] != new[label]} == expected
        assert expected


def test_how_often_a_cell_is_saved_is_no_part_of_anything(small: Small, before: Plans) -> None:
    after = with_one_changed(small, HEADS, "checkpoint_every_steps")
    assert changed(before, after) == set()
    assert asked(before) == asked(after)


def training_leaves(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths of all values of nested JSON."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else None
    if pairs is None:
        yield above
    for key, inner in pairs or ():
        yield from training_leaves(inner, (*above, key))


def with_leaf(value: Any, path: tuple[str | int, ...]) -> Any:
    """The same dataclass with another value at a path."""
    if not path:
        return not value if isinstance(value, bool) else f"{value}x" if isinstance(value, str) else value + 1
    head, *rest = path
    if isinstance(head, int):
        return (*value[:head], with_leaf(value[head], tuple(rest)), *value[head + 1 :])
    if isinstance(value, dict):
        return {**value, head: with_leaf(value[head], tuple(rest))}
    return dataclasses.replace(value, **{head: with_leaf(getattr(value, head), tuple(rest))})


def test_no_value_of_a_resolved_training_is_left_out_of_its_identity(before: Plans) -> None:
    """Whatever is added to the spec of a training later is found here by itself."""
    plan = before["both 0"]
    leaves = training_leaves(dataclasses.asdict(plan.training))
    paths = [path for path in leaves if path[-1] != "kind"]  # one that there is not has no code
    assert len(paths) > len(TRAINED)
    for path in paths:
        training = with_leaf(plan.training, path)
        other = dataclasses.replace(plan, spec=dataclasses.replace(plan.spec, training=training))
        assert other.output.fingerprint != plan.output.fingerprint, path
        assert training.digest() != plan.training.digest(), path


def test_what_else_a_cell_is_made_of_is_in_its_identity_too(before: Plans) -> None:
    what = before["both 0"].what
    assert set(what) == {"stage", "training", "code", "tokens", "machine"}
    assert set(what["training"]) == {field.name for field in dataclasses.fields(TrainingSpec)}
    assert set(what["tokens"]) == {"tokens/english.train", "tokens/korean.train"}


MIXTURES = {  # the same -> ways to write it
    "one to one": ["{english: 2, korean: 2}", "{korean: 1, english: 1}",
                   "{english: 0.1, korean: 0.1}", "{korean: 1e3, english: 1e3}"],
    "one to three": ["{english: 1, korean: 3}", "{korean: 0.3, english: 0.1}", "{korean: 75, english: 25.0}"],
    "a third": ["{english: 1, korean: 0.3333}", "{korean: 3333, english: 10000}"],
    "one alone": ["{korean: 1}", "{korean: 7.5}"],
}  # fmt: skip


def test_mixtures_are_known_by_their_ratios(small: Small, before: Plans) -> None:
    """If this fails, `{a: 2, b: 2}` is trained beside `{b: 1, a: 1}`, or one mixture passes for another."""
    of = {
        name: [cells(small.plans(f"arms.both.mixture={written}"))["both 0"] for written in ways]
        for name, ways in MIXTURES.items()
    }
    assert all(len(set(found)) == 1 for found in of.values()), of
    assert len({found[0] for found in of.values()}) == len(MIXTURES)
    assert of["one to one"][0] == cells(before)["both 0"]


@pytest.mark.parametrize(
    "change", ["arms.both.fraction=0.25", "arms.both.offset=0.5", "arms.both.cells={optimizer: {beta1: 0.8}}"]
)
def test_what_is_said_of_one_arm_makes_other_cells_of_it_alone(small: Small, before: Plans, change: str) -> None:
    assert changed(before, small.plans(change)) == {"both 0"}


def test_another_base_seed_is_another_study(small: Small, before: Plans) -> None:
    assert changed(before, small.plans("seed=1")) == set(before)


def test_more_seeds_keep_those_that_are_there(small: Small, before: Plans) -> None:
    """A study is made surer by adding cells, not by starting over."""
    more = cells(small.plans("seeds=3"))
    assert {name: more[name] for name in before} == cells(before)
    assert len(more) == 3 * len(before)
    for name in before:
        assert len({more[f"{name.split()[0]} {number}"] for number in range(3)}) == 3


@pytest.mark.parametrize(
    "change",
    [
        "metrics=[bits_per_byte]",
        "metrics=[bits_per_byte, few_shot, heads]",
        "tasks=[control_map, {kind: control_map, name: again}]",
        "tasks=[{kind: control_map, items: 5}]",
        "controls.items=5",
        "claims=[]",
        "question=Another one?",
        "name=other",
        "weights_gib=7",
        "controls.arms.control_chatter.low=-0.5",
    ],
)
def test_what_is_asked_of_a_cell_is_no_part_of_it(small: Small, before: Plans, change: str) -> None:
    """If this fails, a further task or metric trains every cell again."""
    assert changed(before, small.plans(change)) == set()


def test_a_task_or_a_metric_less_leaves_the_other_measures_what_they_are(small: Small, before: Plans) -> None:
    for change in ("metrics=[bits_per_byte, heads]", f"tasks=[{TASK}, {{kind: control_map, name: again}}]"):
        for name, new in asked(small.plans(change)).items():
            old = asked(before)[name]
            assert {label: old[label] for label in old.keys() & new.keys()}.items() <= new.items()
            assert old.keys() != new.keys() or before[name].control


def test_a_renamed_arm_is_the_same_computation(small: Small, before: Plans) -> None:
    """Its folder is called otherwise, so it is trained once more; but nothing else of it differs."""
    after = small.plans("arms.renamed={mixture: {korean: 1, english: 1}, fraction: 0.5}")
    assert after["renamed 0"].output.fingerprint == before["both 0"].output.fingerprint
    assert after["renamed 0"].name != before["both 0"].name


def test_what_was_left_to_defaults_is_said_and_changes_nothing(small: Small, before: Plans) -> None:
    said = merged(settings.load(str(small.path))[0].cells, {})
    left = before["english 0"].spec.defaults
    assert "optimizer.beta1" in left
    assert "model.mlp_ratio" in left
    assert "model.width" not in left
    assert "schedule.warmup_steps" in said["schedule"] or "schedule.warmup_steps" not in left
    (after,) = [plan for name, plan in small.plans("cells.optimizer.beta1=0.9").items() if name == "english 0"]
    assert set(left) - set(after.spec.defaults) == {"optimizer.beta1"}
    assert after.output.fingerprint == before["english 0"].output.fingerprint
