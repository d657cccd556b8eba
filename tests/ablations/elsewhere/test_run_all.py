"""Packed cells run by the code that they bring along: killed, stopped, failed, refused."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cells import contents, edit
from hypothesis import given, settings
from hypothesis import strategies as st
from packed_cells import command, plan, run_all, token_set

from ablations.cells.cell_contents import lay_out_all
from ablations.cells.cell_states import DIVERGED, states
from ablations.core.cell import run_cell
from ablations.core.spec.cell_spec import read_spec
from ablations.core.training.checkpoint import FILE as CHECKPOINT
from ablations.elsewhere import pack
from ablations.elsewhere.runner.archives import read_archives, write_archives
from ablations.elsewhere.runner.capacity import gpu_bytes, processes
from ablations.elsewhere.runner.outcome import Weights, to_send
from ablations.elsewhere.runner.pack_folder import lay_out, read_pack
from ablations.elsewhere.runner.parallel import Pool, Start
from ablations.elsewhere.runner.run_all import main
from ablations.elsewhere.runner.sources import ROOT, sources
from ablations.elsewhere.unpack import archives_at, unpack
from curation.runtime.errors import InputError
from curation.runtime.store.folder import open_out
from tokenizer.encode import TokenSet

pytestmark = pytest.mark.end_to_end  # packed cells run as processes

NOT_NEEDED = ("ray", "pydantic", "pyarrow", "yaml", "click", "sentencepiece", "zstandard", "numba", "psutil")


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> TokenSet:
    return token_set(tmp_path_factory.mktemp("tokens"), "glossary")


@pytest.fixture
def packed(tokens: TokenSet, tmp_path: Path) -> Path:
    """Two cells, of which the second cannot be run."""
    broken = plan(tokens, 1, specials=[500])
    pack.pack("small", [plan(tokens, 0), broken], tmp_path / "packed")
    return tmp_path / "packed"


def cells_in(folder: Path) -> list[Path]:
    return sorted((folder / "cells").iterdir())


def without(names: tuple[str, ...], folder: Path) -> dict[str, str]:
    """An environment in which these packages are not installed."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "class NotInstalled(PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        f"        return None if name.split('.')[0] in {names!r} else PathFinder.find_spec(name, path, target)\n"
        "sys.meta_path[sys.meta_path.index(PathFinder)] = NotInstalled\n"
    )
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_a_packed_cell_whose_loss_is_no_number_is_done_and_comes_back_as_diverged(
    tokens: TokenSet, tmp_path: Path
) -> None:
    rates = {"learning_rate": 1e30, "adam_learning_rate": 1e30}
    lost = plan(tokens, 1, optimizer=rates, gradient_clip=0.0, evaluations=0)
    pack.pack("small", [lost], tmp_path / "packed")
    done = run_all(tmp_path / "packed")
    assert done.returncode == 0, done.stdout + done.stderr
    out = open_out(str(tmp_path / "out"))
    unpacked = unpack([lost], out, archives_at([tmp_path / "packed"]))
    assert (unpacked.merged, unpacked.refused) == ([lost.name], {})
    (state,) = states([lost], out)
    assert state.state == DIVERGED
    assert state.note.endswith("of 12 the training loss is not a number")


def test_a_killed_run_goes_on_and_ends_with_the_bytes_of_an_undisturbed_cell(
    packed: Path, tokens: TokenSet, tmp_path: Path
) -> None:
    """The machine is taken away in the middle; torch, numpy and safetensors are all that is installed on it."""
    environment = without(NOT_NEEDED, tmp_path / "bare")
    running = subprocess.Popen(
        command("--parallel", 1), cwd=packed / "code", env=environment, stdout=subprocess.PIPE, text=True
    )
    with running:
        assert running.stdout
        next(line for line in running.stdout if "step 3/12" in line and ": checkpoint" in line)
        running.kill()
    good = packed / "cells" / plan(tokens, 0).name
    assert not (good / "outcome.json").exists()
    waited = run_all(packed, "--limit-seconds", 0)
    assert waited.returncode == 75, waited.stderr
    assert "the time was up before 2 cells were finished; run the same command again to go on" in waited.stdout
    done = subprocess.run(
        command("--parallel", 2), cwd=packed / "code", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    assert "failed: measuring.json.specials: token 500 is outside the vocabulary" in done.stdout
    assert "1 cells failed; run the same command again to try them again" in done.stdout
    lay_out_all(tmp_path / "here", plan(tokens, 0))
    run_cell(tmp_path / "here")
    made = contents(good)
    assert made == contents(tmp_path / "here")
    assert {name for name in made if name.startswith("measures/")} == {
        f"measures/{label}.json" for label in ("bits_per_byte", "few_shot.control_map", "weight_norm")
    }
    assert sent_of(packed, good.name) == {name: made[name] for name in made if not name.endswith(".safetensors")}
    further: tuple[Weights, ...] = ("last", "all")
    for wanted in further:
        write_archives(packed / "results", to_send([good], wanted), 2**20)
        kept = {name: made[name] for name in made if wanted == "all" or not name.startswith("points/")}
        assert sent_of(packed, good.name) == kept


def sent_of(packed: Path, cell: str) -> dict[str, bytes]:
    """What a cell came to, from its archives."""
    sent = read_archives(sorted((packed / "results").iterdir()))
    assert list(sent) == [cell]
    own = {name: sent[cell].read(name) for name in sent[cell].files}
    assert {"cell.json", "timing.json", "outcome.json"} <= own.keys()
    return {name: content for name, content in own.items() if name not in {"cell.json", "timing.json", "outcome.json"}}


def test_a_cell_is_stopped_at_a_checkpoint_and_one_that_waits_is_not_started(tokens: TokenSet, tmp_path: Path) -> None:
    for name in ("running", "waiting"):
        lay_out_all(tmp_path / name, plan(tokens, 0, schedule={"tokens": 10**7}))
    done: list[str] = []
    pool = Pool(1, (), time.monotonic() + 100, 100, done.append)

    def stop_at_the_first_checkpoint() -> None:
        while not (tmp_path / "running" / CHECKPOINT).exists():
            time.sleep(0.05)
        pool.deadline = time.monotonic()

    watcher = threading.Thread(target=stop_at_the_first_checkpoint)
    watcher.start()
    endings = pool.run([Start(tmp_path / name, 1, False) for name in ("running", "waiting")])
    watcher.join()
    assert {name: ending.state for name, ending in endings.items()} == {"running": "stopped", "waiting": "waiting"}
    assert done == []
    assert (tmp_path / "running" / CHECKPOINT).exists()
    assert not (tmp_path / "running" / "training.json").exists()


def edited(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def as_packed(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "pack.json").read_text())
    return found


def other_machine(path: Path) -> None:
    cells = [{**cell, "machine": {"cpu": "Abacus", "torch": "0.1"}} for cell in as_packed(path)["cells"]]
    edited(path / "pack.json", cells=cells)


def changed_blob(path: Path) -> None:
    for blob in (path / "blobs").iterdir():
        blob.write_bytes(gzip.compress(b"something else"))


def outside(path: Path) -> None:
    cells = as_packed(path)["cells"]
    for cell in cells:
        cell["files"] = {"../../x": next(iter(cell["files"].values()))}
    edited(path / "pack.json", cells=cells)


def other_questions(path: Path) -> None:
    """After its cells were laid out."""
    for cell in read_pack(path).cells:
        lay_out(path, cell)
    edit(cells_in(path)[0] / "tasks/control_map.json", "task", to="easier")


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (other_machine, 'planned for machine: {cpu: "Abacus", torch: "0.1"}, but this machine is another one'),
        (lambda path: edited(path / "pack.json", code="0" * 64), "was packed with other code (000000000000)"),
        (
            lambda path: edit(cells_in(path)[0] / "cell.json", "training", "evaluations", to=3),
            "was changed after it was packed",
        ),
        (changed_blob, "does not match the hash in its name"),
        (other_questions, "tasks/control_map.json: holds other bytes than were packed"),
        (outside, "'../../x' lies outside the cell"),
        (lambda path: edited(path / "pack.json", more=1), "unknown key 'more'"),
        (lambda path: (path / "pack.json").unlink(), "Give a folder that `loam ablate pack` wrote"),
    ],
)
def test_what_was_spoilt_on_the_way_is_refused_before_anything_runs(
    packed: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], None], line: str
) -> None:
    spoil(packed)
    assert main([str(packed)]) == 2
    told = capsys.readouterr()
    assert line in told.err
    assert told.err.count("\n") == 1
    assert "at a time" not in told.out


def test_a_machine_says_what_a_study_has_to_write(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(packed), "--machine"]) == 0
    (machine,) = {json.dumps(cell["machine"]) for cell in as_packed(packed)["cells"]}
    cpu, torch = json.loads(machine).values()
    assert capsys.readouterr().out == f'machine: {{cpu: "{cpu}", torch: "{torch}"}}\n'


def test_the_packed_code_is_whole_and_no_more(packed: Path) -> None:
    """All of a cell's program, what runs it, and what they import; nothing that makes prompts or judges results."""
    found = {path.relative_to(packed / "code").as_posix() for path in (packed / "code").rglob("*") if path.is_file()}
    assert found == set(sources())
    whole = ("ablations/core/", "ablations/elsewhere/runner/")
    assert {name for name in found if not name.startswith(whole)} == {
        "ablations/__init__.py",
        "ablations/elsewhere/__init__.py",
        "curation/__init__.py",
        "curation/runtime/__init__.py",
        "curation/runtime/errors.py",
        "curation/runtime/file_lock.py",
        "curation/runtime/registry.py",
        "curation/runtime/whole_files.py",
    }
    members = {path.relative_to(ROOT).as_posix() for path in (ROOT / "ablations/core/metrics").glob("*.py")}
    assert members <= found, "members are found by their folder, not by imports"
    assert all((ROOT / name).read_bytes() == (packed / "code" / name).read_bytes() for name in found)


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(0, 60_000), max_size=8), most=st.integers(20_000, 50_000))
def test_archives_keep_their_bound_and_every_byte(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], most: int
) -> None:
    folder = tmp_path_factory.mktemp("archives") / "results"
    files = [(f"cell_s{n}", name, os.urandom(size)) for n, size in enumerate(sizes) for name in ("a.bin", "b.json")]
    written = write_archives(folder, files, most)
    assert all(path.stat().st_size <= most for path in written)
    sent = read_archives(written)
    assert [(cell, name, sent[cell].read(name)) for cell, name, _ in files] == files
    if len(written) > 1:
        less = read_archives(written[:-1])
        with pytest.raises((InputError, KeyError)):
            [less[cell].read(name) for cell, name, _ in files]


def test_as_many_cells_at_a_time_as_there_are_cores_for_their_threads(packed: Path) -> None:
    spec = read_spec(cells_in(packed)[0]).training
    two = dataclasses.replace(spec, compute=dataclasses.replace(spec.compute, threads=2))
    assert [processes([spec, two], cores, ()) for cores in (1, 2, 5, 16)] == [1, 1, 2, 8]
    assert gpu_bytes(dataclasses.replace(spec, schedule=dataclasses.replace(spec.schedule, batch=400))) > gpu_bytes(
        spec
    )
