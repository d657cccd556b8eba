"""Stages on real Ray: what failed is told, what was done is kept, what is whole is not done again."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from ray import cloudpickle

from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import InputError, StageError
from curation.runtime.stages.stage import Job, Output, Stage, total
from curation.runtime.stages.stages import run_stage, run_stages
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.receipts import Result

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import tests


@dataclass(frozen=True)
class Signs:
    """Folder of files that say what is to happen, and where jobs note that they ran."""

    folder: Path


@dataclass(frozen=True)
class Number:
    n: int


def square(shared: Signs, spec: Number, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """Writes n squared into each folder and notes that it ran; fails or dies where a file in `signs` says so."""
    signs, n = shared.folder, spec.n
    with open(signs / "ran", "a") as ran:
        ran.write(f"{n} {','.join(sorted(folders))}\n")
    if (signs / f"refuse-{n}").exists():
        raise InputError(f"file {n}", "is bad", "Mend it.")
    if (signs / f"crash-{n}").exists():
        raise ZeroDivisionError("of the worker")
    if (signs / f"die-{n}").exists():
        (signs / f"die-{n}").unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    for folder in folders.values():
        folder.write(f"{n}.txt", str(n * n).encode())
    result = Result([{"file": f"{n}.txt", "rows": 1}], {"documents": 1, "by": {str(n % 2): n}})
    return dict.fromkeys(folders, result)


Squares = Stage[Signs, Number]


@pytest.fixture
def signs(tmp_path: Path) -> Path:
    (tmp_path / "signs").mkdir()
    return tmp_path / "signs"


def _stage(signs: Path, names: tuple[str, ...] = ("squares",), jobs: int = 4, title: str = "square") -> Squares:
    outputs = {name: Output("numbers", name, {"of": name}) for name in names}
    return Stage(title, outputs, [Job(f"{n:02d}", Number(n), 10 * n) for n in range(jobs)], square, Signs(signs))


def _ran(signs: Path) -> list[str]:
    lines = (signs / "ran").read_text().splitlines()
    (signs / "ran").unlink()
    return sorted(lines)


def _folder(stage: Squares, out: Folder, name: str = "squares") -> Folder:
    return stage.outputs[name].folder(out)


def test_a_stage_runs_once_and_is_then_only_read(
    signs: Path, out: Folder, compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = _stage(signs)
    first = run_stage(stage, out, compute)
    assert _ran(signs) == [f"{n} squares" for n in range(4)]
    monkeypatch.setattr(Compute, "connect", lambda _: pytest.fail("it was whole"))
    assert run_stage(stage, out, compute) == first
    manifest = first["squares"]
    assert manifest.parts == [{"file": f"{n}.txt", "rows": 1} for n in range(4)], "in the order of the jobs"
    assert manifest.counts == {"documents": 4, "by": {"0": 2, "1": 4}}
    assert _folder(stage, out).read("3.txt") == b"9"


def test_a_failed_job_is_named_and_the_others_are_kept(signs: Path, out: Folder, compute: Compute) -> None:
    """A bad file in a thousand must cost one job, not the night."""
    (signs / "refuse-2").touch()
    stage = _stage(signs)
    with pytest.raises(StageError, match=r"square: 1 of 4 jobs failed. First: 02: file 2: is bad. Mend it.") as caught:
        run_stage(stage, out, compute)
    assert isinstance(caught.value.__cause__, InputError)
    folder = _folder(stage, out)
    assert (folder / "receipts").names() == ["00.json", "01.json", "03.json"]
    assert not folder.exists(MANIFEST), "the manifest comes last"
    _ran(signs)

    (signs / "refuse-2").unlink()
    run_stage(stage, out, compute)
    assert _ran(signs) == ["2 squares"]
    assert folder.exists(MANIFEST)


def test_an_unforeseen_error_is_told_with_its_type(signs: Path, out: Folder, compute: Compute) -> None:
    for n in (1, 2):
        (signs / f"crash-{n}").touch()
    with pytest.raises(
        StageError, match=r"2 of 4 jobs failed. First: 0[12]: ZeroDivisionError: of the worker. Run again"
    ):
        run_stage(_stage(signs), out, compute)


def test_a_worker_that_dies_is_replaced(signs: Path, out: Folder, compute: Compute) -> None:
    """Lost machines and the memory killer are everyday; a rule that raises is not tried again."""
    (signs / "die-1").touch()
    stage = _stage(signs, jobs=2)
    run_stage(stage, out, compute)
    assert _ran(signs) == ["0 squares", "1 squares", "1 squares"]
    assert (_folder(stage, out)).read("1.txt") == b"1"


def test_a_new_output_is_filled_alone(signs: Path, out: Folder, compute: Compute) -> None:
    """A new annotator reads the shards again but computes no other annotator's scores."""
    run_stage(_stage(signs, ("a",)), out, compute)
    _ran(signs)
    run_stage(_stage(signs, ("a", "b")), out, compute)
    assert _ran(signs) == [f"{n} b" for n in range(4)]


def test_a_stage_beside_a_failing_one_is_finished(signs: Path, out: Folder, compute: Compute) -> None:
    (signs / "refuse-3").touch()
    good, bad = _stage(signs, ("good",), jobs=2, title="good"), _stage(signs, ("bad",), title="bad")
    with pytest.raises(StageError, match=r"^bad: 1 of 4"):
        run_stages([good, bad], out, compute)
    assert _folder(good, out, "good").exists(MANIFEST)
    assert not _folder(bad, out, "bad").exists(MANIFEST)


def test_a_stage_without_jobs_needs_no_worker(signs: Path, out: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Compute, "connect", lambda _: pytest.fail("nothing to do"))
    assert run_stage(_stage(signs, jobs=0), out, Compute())["squares"].parts == []


def test_results_that_do_not_add_up_commit_nothing(signs: Path, out: Folder, compute: Compute) -> None:
    def refuse(_: str, results: object) -> dict[str, Any]:
        raise AssertionError("rows were lost")

    stage = _stage(signs, jobs=1)
    with pytest.raises(AssertionError, match="rows were lost"):
        run_stage(replace(stage, summarise=refuse), out, compute)
    assert not _folder(stage, out).exists(MANIFEST)


def doze(shared: Signs, spec: Number, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """Says how many of its kind are at work."""
    mark = shared.folder / f"busy-{spec.n}"
    mark.touch()
    busy = len(list(shared.folder.glob("busy-*")))
    time.sleep(0.1)
    mark.unlink()
    return {"squares": Result([{"busy": busy}])}


def test_no_more_tasks_are_under_way_than_workers_asked_for(signs: Path, out: Folder, compute: Compute) -> None:
    stage = replace(_stage(signs), work=doze)
    manifest = run_stage(stage, out, Compute(workers=1))["squares"]
    assert [part["busy"] for part in manifest.parts] == [1, 1, 1, 1]


def test_counts_are_summed_key_by_key() -> None:
    counts: list[dict[str, Any]] = [{"n": 1, "why": {"b": 1}}, {}, {"n": 2, "why": {"a": 3, "b": 1}}]
    results = [Result([], each) for each in counts]
    assert total(results) == {"n": 3, "why": {"a": 3, "b": 2}}
    assert total([]) == {}


@dataclass(frozen=True)
class Length:
    seconds: float


def sleep(shared: Signs, spec: Length, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """Notes that it began."""
    with open(shared.folder / "began", "a") as began:
        began.write(f"{spec.seconds}\n")
    time.sleep(spec.seconds)
    return dict.fromkeys(folders, Result([], {}))


def test_of_many_tasks_the_longest_begin_first(signs: Path, out: Folder, compute: Compute) -> None:
    """If this fails, one long task runs alone at the end while all other cores wait. Longer ones ask for more memory here too."""
    lengths = [0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.1, 0.1, 0.1, 0.1]
    stages = [
        Stage(
            f"sleep {number}",
            {"slept": Output("slept", str(number), {"number": number})},
            [Job("only", Length(seconds), int(seconds * 2**24))],
            sleep,
            Signs(signs),
        )
        for number, seconds in enumerate(lengths)
    ]
    assert compute.workers
    waiting = replace(
        compute, workers=None
    )  # of the same cluster all cores, and as many tasks that wait in Ray's queues
    run_stages(stages, out, waiting)
    began = [float(line) for line in (signs / "began").read_text().splitlines()]
    workers = compute.workers
    for place, seconds in enumerate(began):
        later, earlier = min(place + workers, len(lengths) - 1), max(place - workers, 0)
        assert lengths[later] <= seconds <= lengths[earlier], began
