"""A cell from folder to result: resume, independence of what is installed, errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cells import write_cell

from ablations.core.__main__ import main
from ablations.core.cell import run_cell
from ablations.core.files import TEMPORARY, write_json

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


class Killed(Exception):
    pass


def killed_at(event, number):
    """Raises at the `number`-th event of a sort, as a kill would end the run there."""
    left = [number]

    def on_progress(progress):
        left[0] -= progress.event == event
        if left[0] == 0:
            left[0] = -1
            raise Killed

    return on_progress


def outcome(folder):
    return [(folder / name).read_bytes() for name in ("model.safetensors", "result.json")]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    write_cell(folder)
    run_cell(folder)
    return folder


@pytest.mark.parametrize(
    ("event", "number"),
    [("checkpoint", 1), ("checkpoint", 3), ("checkpoint", 4), ("evaluation", 1), ("evaluation", 3), ("measured", 2)],
)
def test_a_killed_cell_ends_with_the_same_bytes(tmp_path, undisturbed, event, number):
    """If this fails, a result depends on whether the machine was taken away in between."""
    write_cell(tmp_path)
    with pytest.raises(Killed):
        run_cell(tmp_path, killed_at(event, number))
    assert not (tmp_path / "result.json").exists()
    run_cell(tmp_path)
    assert outcome(tmp_path) == outcome(undisturbed)


def test_a_cell_killed_again_and_again_ends_with_the_same_bytes(tmp_path, undisturbed):
    write_cell(tmp_path)
    for _ in range(4):
        with pytest.raises(Killed):
            run_cell(tmp_path, killed_at("checkpoint", 1))
    run_cell(tmp_path)
    assert outcome(tmp_path) == outcome(undisturbed)


def test_a_whole_cell_is_left_alone_and_has_no_drafts(undisturbed):
    before = {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*")}
    run_cell(undisturbed)
    assert before == {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*")}
    assert not [path for path in before if path.name.endswith(TEMPORARY)]
    assert not (undisturbed / "checkpoint.pt").exists()


def test_adamw_with_a_cooldown_resumes_to_the_same_bytes(tmp_path):
    changes = {
        "optimiser": {"kind": "adamw", "adam_learning_rate": 0.003, "weight_decay": 0.1},
        "schedule": {"kind": "wsd", "cooldown": 0.5},
        "model": {"tied": True},
    }
    for name in ("a", "b"):
        write_cell(tmp_path / name, **changes)
    run_cell(tmp_path / "a")
    with pytest.raises(Killed):
        run_cell(tmp_path / "b", killed_at("checkpoint", 2))
    run_cell(tmp_path / "b")
    assert outcome(tmp_path / "a") == outcome(tmp_path / "b")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*script_method.*:DeprecationWarning")  # of torch, when it compiles
def test_a_compiled_cell_resumes_to_the_same_bytes(tmp_path):
    """Two processes, as after a kill: the second compiles for itself."""
    for name in ("a", "b"):
        write_cell(tmp_path / name, compute={"compile": True}, model={"layers": 1})
    run_cell(tmp_path / "a")
    with pytest.raises(Killed):
        run_cell(tmp_path / "b", killed_at("checkpoint", 2))
    command = [sys.executable, "-m", "ablations.core", str(tmp_path / "b")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert outcome(tmp_path / "a") == outcome(tmp_path / "b")


def test_a_checkpoint_of_another_spec_is_not_continued(tmp_path, undisturbed):
    write_cell(tmp_path, optimiser={"learning_rate": 0.001})
    with pytest.raises(Killed):
        run_cell(tmp_path, killed_at("checkpoint", 2))
    write_cell(tmp_path)
    run_cell(tmp_path)
    assert outcome(tmp_path) == outcome(undisturbed)


def test_the_result_says_what_was_trained_and_measured(undisturbed):
    result = json.loads((undisturbed / "result.json").read_text())
    assert result["tokens"] == 12 * 4 * 40
    assert result["steps"] == 12
    assert [point["step"] for point in result["curve"]] == [0, 4, 8, 12]
    assert result["sources"]["glossary"]["windows"] == 48
    assert result["sources"]["glossary"]["repetitions"] == 0.75
    assert set(result["final"]) == {"bits_per_byte", "few_shot", "late_minus_early", "repeated_tokens"}
    assert result["onset"]["few_shot"]["control_map.k8.permuted_minus_gold"]["by_tokens"] is None
    assert len(result["final"]["few_shot"]["details"]["control_map"]["groups"][0]["gold_nll"]) == 10
    timing = json.loads((undisturbed / "timing.json").read_text())
    assert timing["tokens_per_second"] > 0
    assert timing["peak_memory_bytes"] > 2**20


def test_arms_of_one_seed_share_their_initial_weights(tmp_path):
    """Cells are paired by construction: a difference between arms is not one of luck at the start."""
    curves = []
    for kind in ("glossary", "chatter"):
        write_cell(tmp_path / kind, kind, evaluations=0, schedule={"tokens": 160})
        run_cell(tmp_path / kind)
        curves.append(json.loads((tmp_path / kind / "result.json").read_text())["curve"][0]["measures"]["few_shot"])
    assert curves[0] == curves[1]


@pytest.mark.parametrize(
    "shape", [{"layers": 1}, {"attention": False}, {"mlp_ratio": 0}, {"layers": 1, "mlp_ratio": 0}]
)
def test_control_shapes_train(tmp_path, shape):
    write_cell(tmp_path, model=shape, schedule={"tokens": 40 * 160}, optimiser={"learning_rate": 0.02})
    run_cell(tmp_path)
    curve = json.loads((tmp_path / "result.json").read_text())["curve"]
    assert curve[-1]["train_loss"] < curve[1]["train_loss"]


def test_a_cell_needs_torch_numpy_safetensors_and_nothing_else(tmp_path):
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
    assert (tmp_path / "cell/result.json").exists()


def test_a_plugin_metric_is_measured_and_changes_nothing_else(tmp_path, undisturbed):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/x.py").write_text(
        "from ablations.core.metrics.base import Metric, Reading\n"
        "class WeightNorm(Metric):\n"
        "    '''Length of all weights.'''\n"
        "    kind, version, unit, lower_is_better, in_curve = 'weight_norm', 1, 'length', True, True\n"
        "    def measure(self, model, data):\n"
        "        return Reading({'all': float(sum(w.square().sum() for w in model.parameters()) ** 0.5)})\n"
    )
    write_cell(tmp_path, metrics=["weight_norm"], plugins=["plugins/x.py"])
    run_cell(tmp_path)
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["final"]["weight_norm"]["values"]["all"] > 0
    assert (tmp_path / "model.safetensors").read_bytes() == (undisturbed / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"model": {"widht": 3}}, "cell.json.model: unknown key 'widht'. Did you mean 'width'?"),
        ({"model": {"width": "wide"}}, "cell.json.model.width: 'wide' (str). Give a value of type int."),
        ({"model": {"heads": 3}}, "cell.json.model.heads: 3 heads do not split a width of 16 evenly. Make width"),
        (
            {"schedule": {"tokens": 10}},
            "cell.json.schedule: 10 tokens are less than one step of 160. Give more tokens.",
        ),
        ({"schedule": {"kind": "cosine"}}, "cell.json.schedule.kind: 'cosine' (str). Known: constant, wsd."),
        ({"train": []}, "cell.json.train: no source. Name at least one."),
        ({"train": [{"source": "a", "tokens": "tokens/none"}]}, "tokens/none: cannot be read"),
        ({"metrics": ["bits_per_bite"]}, "unknown metric 'bits_per_bite'. Did you mean 'bits_per_byte'?"),
        (
            {"plugins": ["plugins/none.py"]},
            "plugins/none.py: No such file or directory. Give the path of a Python file.",
        ),
        ({"tasks": ["tasks/none.json"]}, "tasks/none.json: cannot be read"),
        ({"compute": {"device": "abacus"}}, "cell.json.compute.device: 'abacus'. Known: cpu, cuda"),
        ({"seeds": {"init": -1}}, "cell.json.seeds.init: -1 is no 63-bit number. Give 0 to 2^63 - 1."),
    ],
)
def test_a_bad_spec_gives_one_clear_line_and_exit_code_2(tmp_path, capsys, changes, line):
    write_cell(tmp_path, **changes)
    assert main([str(tmp_path)]) == 2
    found = capsys.readouterr().err
    assert line in found
    assert found.count("\n") == 1
    assert ".." not in found.replace("...", "")
    assert not (tmp_path / "result.json").exists()


def test_a_folder_without_a_cell_gives_one_clear_line(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert "cell.json: No such file or directory. Give a folder that holds a cell.json." in capsys.readouterr().err


def test_a_loss_that_is_not_a_number_ends_the_run_and_is_never_saved(tmp_path, capsys):
    write_cell(tmp_path, optimiser={"learning_rate": 1e30, "adam_learning_rate": 1e30}, evaluations=0)
    assert main([str(tmp_path)]) == 1
    assert "the training loss is nan. Lower optimiser.learning_rate" in capsys.readouterr().err
    assert not (tmp_path / "result.json").exists()
    assert not (tmp_path / "checkpoint.pt").exists()


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_no_draft(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1.5})
    with pytest.raises(ValueError, match="Out of range float values"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1.5}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
