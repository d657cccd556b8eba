"""An optimizer or a schedule is one file: named, checked, trained with and taken elsewhere without another line anywhere."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cells import Killed, contents, edit, killed_at, write_cell
from click.testing import CliRunner
from packed_cells import plan, run_all, token_set

from ablations.cells.cell_folder import cell_job
from ablations.cells.cell_states import states
from ablations.cells.training_members import code_of_training, plugins_used
from ablations.cli import loam
from ablations.core.__main__ import main
from ablations.core.cell import run_cell
from ablations.core.model.positions.registry import POSITIONS
from ablations.core.spec.cell_spec import read_spec
from ablations.core.training.optimizers.registry import OPTIMIZERS
from ablations.core.training.schedules.registry import SCHEDULES
from ablations.elsewhere import pack
from ablations.elsewhere.unpack import archives_at, unpack
from ablations.settings import study_file as settings
from ablations.study import pipeline as study
from ablations.study.drafts import drafts
from curation.runtime.cluster.cluster import Idle
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin
from curation.runtime.stages.other_code import expected
from curation.runtime.stages.scheduling import Handed, work_and_sign
from curation.runtime.stages.stages import run_stages
from curation.runtime.store.folder import open_out
from curation.runtime.store.manifest import Manifest
from tokenizer.encode import TokenSet

pytestmark = pytest.mark.end_to_end  # cells of a study, here and elsewhere

SGD = Plugin(
    "sgd.py",
    '''
"""Gradient descent. Source: Robbins and Monro 1951."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from ablations.core.spec.strict import not_positive
from ablations.core.training.optimizers.base import Optimizer


@dataclass(frozen=True, kw_only=True)
class Sgd(Optimizer):
    """Plain steps down the gradient, with momentum, for all weights."""

    kind: ClassVar[str] = "sgd"
    rate: float = 0.5
    nesterov: bool = True

    def steppers(self, model):
        return [torch.optim.SGD(model.parameters(), lr=self.rate, momentum=0.9, nesterov=self.nesterov)]

    def problems(self):
        return not_positive(self, "rate")
''',
)
HALF_WAVE = Plugin(
    "half_wave.py",
    '''
"""Half a wave. Source: Loshchilov and Hutter 2016, https://arxiv.org/abs/1608.03983."""

from dataclasses import dataclass
from math import cos, pi
from typing import ClassVar

from ablations.core.training.schedules.base import Schedule


@dataclass(frozen=True, kw_only=True)
class HalfWave(Schedule):
    """Linear up, then half a wave down to `floor`."""

    kind: ClassVar[str] = "half_wave"
    floor: float = 0.1

    def level(self, step, steps):
        return self.floor + (1 - self.floor) * (1 + cos(pi * step / steps)) / 2
''',
)
BOTH: dict[str, Any] = {"optimizer": {"kind": "sgd"}, "schedule": {"kind": "half_wave", "floor": 0}}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with both, as a user writes them."""
    for plugin in (SGD, HALF_WAVE):
        (tmp_path / plugin.name).write_text(plugin.source, encoding="utf8")
    return tmp_path


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> TokenSet:
    return token_set(tmp_path_factory.mktemp("tokens"), "glossary")


def write_own(folder: Path, **changes: Any) -> None:
    """A cell that runs by itself, with the plugins in its folder."""
    write_cell(folder, metrics=["bits_per_byte"], **{**BOTH, **changes})
    edit(folder / "cell.json", "plugins", to=["own/sgd.py", "own/half_wave.py"])
    (folder / "own").mkdir()
    for plugin in (SGD, HALF_WAVE):
        (folder / "own" / plugin.name).write_text(plugin.source, encoding="utf8")


def test_a_cell_trains_with_them_and_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_own(tmp_path / name)
    run_cell(tmp_path / "a")
    with pytest.raises(Killed):
        run_cell(tmp_path / "b", killed_at("checkpoint", 2))
    run_cell(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    write_cell(tmp_path / "without", metrics=["bits_per_byte"])
    run_cell(tmp_path / "without")
    assert contents(tmp_path / "a")["model.safetensors"] != contents(tmp_path / "without")["model.safetensors"]


@pytest.mark.parametrize("when", ["killed", "trained"])
def test_an_edited_plugin_is_another_training(tmp_path: Path, capsys: pytest.CaptureFixture[str], when: str) -> None:
    """If this fails, one half of a training was stepped otherwise than the other."""
    write_own(tmp_path)
    if when == "killed":
        with pytest.raises(Killed):
            run_cell(tmp_path, killed_at("checkpoint", 1))
    else:
        run_cell(tmp_path)
    (tmp_path / "own/sgd.py").write_text(SGD.source.replace("momentum=0.9", "momentum=0.8"), encoding="utf8")
    assert main([str(tmp_path)]) == 2
    assert "cell.json is not the one that its" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"optimizer": {"kind": "sgd", "rate": 0}}, "cell.json.training.optimizer.rate: 0.0 is not a positive number."),
        ({"optimizer": {"kind": "sgd", "beta1": 0.9}}, "cell.json.training.optimizer: unknown key 'beta1'. Known: nesterov, rate."),
        ({"optimizer": {"kind": "sgd", "rate": [1]}}, "cell.json.training.optimizer.rate: [1] (list). Give a number, a word"),
        ({"optimizer": {"kind": "sdg"}}, "cell.json.training.optimizer.kind: unknown optimizer 'sdg'. Did you mean 'sgd'?"),
    ],
)  # fmt: skip
def test_a_setting_of_theirs_is_checked_like_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], told: str
) -> None:
    write_own(tmp_path, **changes)
    assert main([str(tmp_path)]) == 2
    assert told in capsys.readouterr().err


def small_study(folder: Path, **changes: Any) -> Path:
    """Controls and an arm; nothing of it is read before it runs."""
    model = {"layers": 1, "width": 16, "heads": 2, "context": 48}
    cells = {
        "model": model,
        "optimizer": {"kind": "sgd", "rate": 1},
        "schedule": {"tokens": 6144, "batch": 4, "kind": "half_wave"},
    }
    value = {
        "recipe": {"data_root": str(folder), "sources": {"web": {"kind": "files", "path": "web.jsonl"}}},
        "arms": {"web": {"mixture": {"web": 1}}},
        "cells": cells,
        "plugins": ["sgd.py", "half_wave.py"],
        **changes,
    }  # fmt: skip
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump(value), encoding="utf8")
    return path


def test_a_study_takes_them_from_its_plugins_with_all_defaults(files: Path) -> None:
    loaded, recipe = settings.load(str(small_study(files)))
    study.check(loaded, recipe)
    (mine, *_), *controls = ([d for d in drafts(loaded) if (d.arm == "web") == own] for own in (True, False))
    assert mine.training.optimizer.settings == {"rate": 1.0, "nesterov": True}
    assert mine.training.schedule.settings == {"warmup_steps": 20, "floor": 0.1}
    assert mine.training.plugins == tuple(sorted((SGD.digest, HALF_WAVE.digest)))
    assert {draft.training.plugins for draft in controls[0]} == {()}, "controls train with ours"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("plugins=[]", "arms.web.cells.optimizer.kind: unknown optimizer 'sgd'. Known: adamw, muon, muon_float32."),
        (
            "plugins=[sgd.py]",
            "arms.web.cells.schedule.kind: unknown schedule 'half_wave'. Known: constant, cosine, wsd.",
        ),
        ("cells.optimizer.rate=-1", "arms.web.cells.optimizer.rate: -1.0 is not a positive number."),
        ("cells.schedule.flor=0.5", "arms.web.cells.schedule: unknown key 'flor'. Did you mean 'floor'?"),
    ],
)
def test_what_a_study_says_of_them_is_refused_before_anything_runs(files: Path, change: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        study.check(*settings.load(str(small_study(files)), [change]))
    assert told in str(refused.value)


def test_help_lists_them_with_their_first_lines(files: Path) -> None:
    shown = CliRunner().invoke(loam, ["study", str(small_study(files)), "--help"]).output
    assert shown.index("Optimizers:") < shown.index("Plain steps down the gradient") < shown.index("Schedules:")
    assert "Linear up, then half a wave" in shown


def test_a_plugin_is_part_of_the_cells_that_use_it_and_of_no_others() -> None:
    """If this fails, a further metric in a study's plugins trains everything again."""
    ours, theirs = (OPTIMIZERS, "muon"), (OPTIMIZERS, "sgd")
    flat, wave, rope = (SCHEDULES, "constant"), (SCHEDULES, "half_wave"), (POSITIONS, "rope")
    assert plugins_used((ours, flat, rope), (SGD, HALF_WAVE)) == ()
    assert plugins_used((theirs, flat), (HALF_WAVE, SGD)) == (SGD,)
    assert plugins_used((ours, wave), (SGD, HALF_WAVE)) == (HALF_WAVE,)

    def code(optimizer: str, schedule: str, plugins: tuple[Plugin, ...]) -> str:
        return code_of_training(((OPTIMIZERS, optimizer), (SCHEDULES, schedule), rope), plugins)

    codes = {
        (optimizer, schedule): code(optimizer, schedule, plugins)
        for optimizer, schedule, plugins in (
            ("muon", "constant", ()), ("sgd", "constant", (SGD,)), ("muon", "half_wave", (HALF_WAVE,)), ("adamw", "wsd", ())
        )
    }  # fmt: skip
    assert len(set(codes.values())) == len(codes)
    edited = dataclasses.replace(SGD, source=SGD.source + "\n# another file\n")
    assert code("sgd", "constant", (edited,)) != codes["sgd", "constant"]


def test_they_train_a_cell_of_a_study_here_and_elsewhere_to_the_same_bytes(tokens: TokenSet, tmp_path: Path) -> None:
    mine = plan(tokens, 0, trained_by=(SGD, HALF_WAVE), **BOTH)
    assert mine.name != plan(tokens, 0).name
    here, there = open_out(str(tmp_path / "here")), open_out(str(tmp_path / "there"))
    stage = mine.stage()
    work_and_sign(Handed(cell_job, None, expected()), stage.jobs[0], {"cell": mine.output.folder(here)})
    run_stages([stage], here, Idle())
    assert [state.trained for state in states([mine], here)] == [True]
    pack.pack("own", [mine], tmp_path / "packed")
    ended = run_all(tmp_path / "packed", "--weights", "all")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    done = unpack([mine], there, archives_at([tmp_path / "packed"]), "all")
    assert (done.merged, done.refused) == ([mine.name], {})
    trained = [Path(mine.output.folder(out).url) for out in (here, there)]
    names = {path.relative_to(trained[0]).as_posix() for path in trained[0].rglob("*.safetensors")}
    assert {"model.safetensors", "points/00000000.safetensors"} < names
    for name in (*names, "training.json", "cell.json", "plugins/sgd.py"):
        assert (trained[0] / name).read_bytes() == (trained[1] / name).read_bytes(), name
    for out in (here, there):
        assert "plugins/sgd.py" in Manifest.load(mine.output.folder(out)).files
    digest = json.loads((trained[0] / "training.json").read_text())["spec_digest"]
    assert read_spec(trained[0]).training.digest() == digest, "a finished cell is read without the plugins' code"
