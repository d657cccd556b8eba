"""A cell from its folder to weights and measures: resume, independence of what is installed, errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from cells import Killed, contents, killed_at, measure_of, write_cell

from ablations.core.__main__ import main
from ablations.core.cell import run_cell
from ablations.core.results.files import write_json
from curation.runtime.whole_files import DRAFT
from curation.sources.control_texts import Kind

ROOT = Path(__file__).parents[3]
BLOCKED = [
    "ray",
    "pydantic",
    "pyarrow",
    "polars",
    "numba",
    "datatrove",
    "scipy",
    "sentencepiece",
    "yaml",
    "xxhash",
    "pandas",
    "kenlm",
    "fasttext",
    "requests",
    "psutil",
    "matplotlib",
    "altair",
    "zstandard",
    "tokenizers",
    "transformers",
]


def record_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "training.json").read_text())
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    write_cell(folder)
    run_cell(folder)
    return folder


@pytest.mark.parametrize(
    ("event", "number"),
    [("checkpoint", 1), ("checkpoint", 3), ("checkpoint", 4), ("evaluation", 1), ("evaluation", 3), ("measured", 2)],
)
def test_a_killed_cell_ends_with_the_same_bytes(tmp_path: Path, undisturbed: Path, event: str, number: int) -> None:
    """If this fails, a result depends on whether the machine was taken away in between."""
    write_cell(tmp_path)
    with pytest.raises(Killed):
        run_cell(tmp_path, killed_at(event, number))
    assert contents(tmp_path).keys() < contents(undisturbed).keys()
    assert (tmp_path / "training.json").exists() == (event == "measured")
    run_cell(tmp_path)
    assert contents(tmp_path) == contents(undisturbed)


def test_a_cell_killed_again_and_again_ends_with_the_same_bytes(tmp_path: Path, undisturbed: Path) -> None:
    write_cell(tmp_path)
    for _ in range(4):
        with pytest.raises(Killed):
            run_cell(tmp_path, killed_at("checkpoint", 1))
    run_cell(tmp_path)
    assert contents(tmp_path) == contents(undisturbed)


def test_a_whole_cell_is_left_alone_and_has_no_drafts(undisturbed: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*")}
    run_cell(undisturbed)
    assert before == {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*")}
    assert not [path for path in before if path.name.startswith(DRAFT)]
    assert not list(undisturbed.glob("checkpoint*"))


def test_adamw_with_a_cooldown_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "optimizer": {"kind": "adamw", "adam_learning_rate": 0.003, "weight_decay": 0.1},
        "schedule": {"kind": "wsd", "cooldown": 0.5},
        "model": {"tied": True},
    }
    for name in ("a", "b"):
        write_cell(tmp_path / name, **changes)
    run_cell(tmp_path / "a")
    with pytest.raises(Killed):
        run_cell(tmp_path / "b", killed_at("checkpoint", 2))
    run_cell(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.end_to_end
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*script_method.*:DeprecationWarning")  # of torch, when it compiles
def test_a_compiled_cell_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    """Two processes, as after a kill: the second compiles for itself."""
    for name in ("a", "b"):
        write_cell(tmp_path / name, compute={"compile": True}, model={"layers": 1})
    run_cell(tmp_path / "a")
    with pytest.raises(Killed):
        run_cell(tmp_path / "b", killed_at("checkpoint", 2))
    command = [sys.executable, "-m", "ablations.core", str(tmp_path / "b")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.end_to_end
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*script_method.*:DeprecationWarning")
def test_a_compiled_cell_is_the_same_whatever_its_process_trained_before(tmp_path: Path) -> None:
    """A worker trains many cells. torch compiles no more than some shapes in a process, and runs the next as it is, which rounds
    otherwise; it warns of that on a worker's standard error, where nobody looks."""
    shapes = {"before": {"layers": 1, "sharpness": 6}, "after": {"layers": 2}, "alone": {"layers": 2}}
    for name, shape in shapes.items():
        write_cell(tmp_path / name, compute={"compile": True}, model=shape)
    with torch._dynamo.config.patch(recompile_limit=1):
        run_cell(tmp_path / "before")
        run_cell(tmp_path / "after")
    command = [sys.executable, "-m", "ablations.core", str(tmp_path / "alone")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "after") == contents(tmp_path / "alone")


def test_the_record_says_what_was_trained_and_each_measure_lies_beside_it(undisturbed: Path) -> None:
    record = record_of(undisturbed)
    assert (record["tokens"], record["steps"]) == (12 * 4 * 40, 12)
    for along in (record["losses"], record["points"]):
        assert [(point["step"], point["tokens"]) for point in along] == [(n, n * 160) for n in (0, 4, 8, 12)]
    assert [point["file"] for point in record["points"]] == [
        "points/00000000.safetensors", "points/00000004.safetensors", "points/00000008.safetensors", "model.safetensors"
    ]  # fmt: skip
    assert [loss["train_loss"] is None for loss in record["losses"]] == [True, False, False, False]
    assert record["sources"]["glossary"]["windows"] == 48
    assert record["sources"]["glossary"]["repetitions"] == 0.75
    measures = {path.stem for path in (undisturbed / "measures").iterdir()}
    assert measures == {"bits_per_byte", "few_shot.control_map", "late_minus_early", "repeated_tokens"}
    for label in measures:
        assert [point["step"] for point in measure_of(undisturbed, label)["curve"]] == [0, 4, 8, 12]
    timing = json.loads((undisturbed / "timing.json").read_text())
    assert timing["tokens_per_second"] > 0
    assert timing["peak_memory_bytes"] > 2**20


def test_without_a_measuring_json_a_cell_is_trained_and_nothing_else(tmp_path: Path, undisturbed: Path) -> None:
    write_cell(tmp_path)
    (tmp_path / "measuring.json").unlink()
    run_cell(tmp_path)
    trained = {name: content for name, content in contents(undisturbed).items() if not name.startswith("measures/")}
    assert contents(tmp_path) == trained


def test_arms_of_one_seed_share_their_initial_weights(tmp_path: Path) -> None:
    """Cells are paired by construction: a difference between arms is not one of luck at the start."""
    points, curves = [], []
    kinds: tuple[Kind, ...] = ("glossary", "chatter")
    for kind in kinds:
        write_cell(tmp_path / kind, kind, evaluations=0, schedule={"tokens": 160})
        run_cell(tmp_path / kind)
        points.append(record_of(tmp_path / kind)["points"])
        curves.append(measure_of(tmp_path / kind, "few_shot.control_map")["curve"])
    assert points[0][0] == points[1][0]
    assert curves[0][0] == curves[1][0]
    assert points[0][1] != points[1][1]


@pytest.mark.parametrize(
    "shape", [{"layers": 1}, {"attention": False}, {"mlp_ratio": 0}, {"layers": 1, "mlp_ratio": 0}]
)
def test_control_shapes_train(tmp_path: Path, shape: dict[str, Any]) -> None:
    write_cell(tmp_path, model=shape, schedule={"tokens": 40 * 160}, optimizer={"learning_rate": 0.02})
    run_cell(tmp_path)
    losses = record_of(tmp_path)["losses"]
    assert losses[-1]["train_loss"] < losses[1]["train_loss"]


def test_a_cell_needs_torch_numpy_safetensors_and_nothing_else(tmp_path: Path) -> None:
    """A cell must run on a Slurm node where only torch is installed."""
    write_cell(tmp_path / "cell")
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "class NotInstalled(PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        f"        return None if name.split('.')[0] in {BLOCKED!r} else PathFinder.find_spec(name, path, target)\n"
        "sys.meta_path[sys.meta_path.index(PathFinder)] = NotInstalled\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-m", "ablations.core", str(tmp_path / "cell")],
        env=environment, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "step 12/12" in done.stdout
    assert done.stdout.endswith(f"whole: {tmp_path / 'cell'}\n")
    assert len(list((tmp_path / "cell/measures").iterdir())) == 4


def test_a_plugin_metric_is_measured_and_changes_nothing_else(tmp_path: Path, undisturbed: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/x.py").write_text(
        "from ablations.core.metrics.base import Measured, Metric\n"
        "class WeightNorm(Metric):\n"
        "    '''Length of all weights.'''\n"
        "    kind, version, unit, better, in_curve = 'weight_norm', 1, 'length', None, True\n"
        "    def measure(self, model, data):\n"
        "        length = float(sum(w.square().sum() for w in model.parameters()) ** 0.5)\n"
        "        return Measured([self.reading(length, n={'models': 1})])\n"
    )
    write_cell(tmp_path, metrics=["weight_norm"], plugins=["plugins/x.py"])
    run_cell(tmp_path)
    (reading,) = measure_of(tmp_path, "weight_norm")["final"]["readings"]
    assert reading["value"] > 0
    assert (reading["metric"], reading["unit"], reading["words"]) == ("weight_norm", "length", "weight norm")
    whole = contents(undisturbed)
    assert all(content == whole[name] for name, content in contents(tmp_path).items() if name in whole)
    assert (tmp_path / "training.json").read_bytes() == whole["training.json"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"model": {"widht": 3}}, "cell.json.training.model: unknown key 'widht'. Did you mean 'width'?"),
        ({"model": {"width": "wide"}}, "cell.json.training.model.width: 'wide' (str). Give a value of type int."),
        (
            {"model": {"heads": 3}},
            "cell.json.training.model.heads: 3 heads do not split a width of 16 evenly. Make width",
        ),
        (
            {"schedule": {"tokens": 10}},
            "cell.json.training.schedule: 10 tokens are less than one step of 160. Give more tokens.",
        ),
        (
            {"schedule": {"kind": "triangle"}},
            "cell.json.training.schedule.kind: unknown schedule 'triangle'. Known: constant, cosine, wsd.",
        ),
        (
            {"checkpoint_every_steps": 0},
            "cell.json.checkpoint_every_steps: 0 is not a positive number. Give one above 0.",
        ),
        ({"format": 1}, "cell.json.format: 1 (int). Known: 2."),
        ({"bos": 500}, "cell.json.training.bos: token 500 is outside the vocabulary. Give an id below vocab_size."),
        ({"specials": [500]}, "measuring.json.specials: token 500 is outside the vocabulary. Give ids below 129."),
        ({"effort": {"items": 0}}, "measuring.json.effort.items: 0 is not a positive number. Give one above 0."),
        ({"train": []}, "cell.json.training.train: no source. Name at least one."),
        ({"train": [{"source": "a", "tokens": "tokens/none"}]}, "tokens/none: cannot be read"),
        ({"metrics": ["bits_per_bite"]}, "unknown metric 'bits_per_bite'. Did you mean 'bits_per_byte'?"),
        (
            {"plugins": ["plugins/none.py"]},
            "plugins/none.py: No such file or directory. Give the path of a Python file.",
        ),
        ({"tasks": ["tasks/none.json"]}, "tasks/none.json: cannot be read"),
        ({"compute": {"device": "abacus"}}, "cell.json.training.compute.device: 'abacus'. Known: cpu, cuda"),
        ({"seeds": {"init": -1}}, "cell.json.training.seeds.init: -1 is no 63-bit number. Give 0 to 2^63 - 1."),
    ],
)
def test_a_bad_spec_gives_one_clear_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], line: str
) -> None:
    write_cell(tmp_path, **changes)
    assert main([str(tmp_path)]) == 2
    found = capsys.readouterr().err
    assert line in found
    assert found.count("\n") == 1
    assert ".." not in found.replace("...", "")
    assert contents(tmp_path) == {}


def test_a_folder_without_a_cell_gives_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "cell.json: No such file or directory. Give a folder that holds a cell.json." in capsys.readouterr().err


def test_a_loss_that_is_not_a_number_ends_the_run_and_no_such_weights_are_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes: dict[str, Any] = {"optimizer": {"learning_rate": 1e30, "adam_learning_rate": 1e30}, "gradient_clip": 0.0}
    write_cell(tmp_path, evaluations=0, **changes)
    assert main([str(tmp_path)]) == 0
    assert ": diverged\n" in capsys.readouterr().out
    record = record_of(tmp_path)
    assert record["diverged"].endswith("of 12 the training loss is not a number")
    assert [(point["step"], point["file"]) for point in record["points"]] == [(0, "model.safetensors")]
    assert list((tmp_path / "points").iterdir()) == []
    assert not list(tmp_path.glob("checkpoint*"))


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_no_draft(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": 1.5})
    with pytest.raises(ValueError, match="Out of range float values"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1.5}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
