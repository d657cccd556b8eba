"""Every command that only reads a finished output folder, on one in which somebody has planted code: none of it runs."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import members
import pytest
from command_tree import NAMES
from conftest import Finished
from loam import Loam

from curation.runtime.registry import Plugin

MARKER = "it-ran"


class Trace:
    """Leaves the marker when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.marker,)


def source(marker: Path) -> str:
    """The plugin of the study as it was, with a line before it that leaves the marker."""
    return f"open({str(marker)!r}, 'a').close()\n{members.SOURCE}"


def plant(out: Path, marker: Path) -> None:
    """Code wherever the folder has some or might be thought to: records of runs, plugins and checkpoints of cells, loose files."""
    for record in (out / "runs").glob("*.json"):
        said = json.loads(record.read_text(encoding="utf8"))
        said["plugins"] = {"mine.py": source(marker), "more.py": source(marker) + "\n"}
        record.write_text(json.dumps(said), encoding="utf8")
    cells = [path for path in (out / "cells").iterdir() if path.is_dir()]
    for cell in cells:
        (cell / "plugins").mkdir(exist_ok=True)
        for name in ("mine.py", "more.py"):
            (cell / "plugins" / name).write_text(source(marker), encoding="utf8")
        (cell / "checkpoint.pt").write_bytes(pickle.dumps(Trace(marker)))
    for folder in (out, out / "runs", *cells):
        for name in ("mine.py", "sitecustomize.py", "conftest.py"):
            (folder / name).write_text(source(marker), encoding="utf8")


@pytest.fixture
def foreign(finished: Finished, tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the finished folder with planted code, and the marker that this code would leave."""
    out = Path(shutil.copytree(finished.out, tmp_path / "out"))
    plant(out, tmp_path / MARKER)
    return out, tmp_path / MARKER


def test_the_marker_is_left_when_planted_code_runs(tmp_path: Path) -> None:
    """Else what follows could not fail."""
    marker = tmp_path / MARKER
    for run in (Plugin("mine.py", source(marker)).module, lambda: pickle.loads(pickle.dumps(Trace(marker)))):
        run()
        marker.unlink()


QUESTIONS = {
    "explain": "curate explain {out} english-3 --text",
    "explain as JSON": "curate explain {out}/runs/small.json english-copy --json",
    "what-if": "curate what-if {out} --set policy.defaults.keep.vowel_share.share.max=0.2",
    "sample of removed": "curate sample {out}",
    "sample of kept": "curate sample {out} --kept",
    "sample of quarantined": "curate sample {out} --quarantined",
    "tokenizer train": "tokenizer train {out}/runs/small.json --out {other} --sources english,korean --vocab-size 500",
    "tokenizer encode": "tokenizer encode {out}/runs/small.json {tokenizer} --out {other}",
    "status": "ablate status {study} --out {out}",
    "report": "ablate report {study} --out {out}",
    "compare": "ablate compare {study} english both --measure bits_per_byte.english --out {out}",
    "cells compared": "ablate compare {study} {a} {b} --measure bits_per_byte.english --out {out}",
    "explain a reading": "ablate explain english_s0 bits_per_byte.english --out {out}",
    "explain a task": "ablate explain english_s0 few_shot.count_up.k2.gold.nll --out {out}",
    "explain a plugin's metric": "ablate explain english_s0 weight_norm.rms --out {out}",
    "export": "ablate export english_s0 {other}/model --out {out}",
    "plan": "ablate plan {study} --pilot {out} --out {other} --set claims=[]",
    "measure a study": "ablate measure {study} --out {out}",
    "measure a cell": "ablate measure english_s0 --metric bits_per_byte --out {out}",
    "adopt": "ablate adopt {study} --out {out}",
    "verify": "verify {out}",
    "verify as JSON": "verify {out} --json",
    "gc": "gc --out {out}",
    "gc of checkpoints": "gc --checkpoints --out {out} --yes",
    "gc for good": "gc --out {out} --yes",
}


@pytest.mark.parametrize("command", QUESTIONS.values(), ids=QUESTIONS)
def test_no_planted_code_runs(foreign: tuple[Path, Path], finished: Finished, loam: Loam, command: str) -> None:
    """A study is passed on so that others can look; looking must not hand them the reader's machine.

    What the study's own YAML names are the reader's plugins, and they may run.
    """
    out, marker = foreign
    tokenizer = next(path for path in sorted((out / "tokenizer").iterdir()) if (path / "tokenizer.model").is_file())
    a, b = (next((out / "cells").glob(f"{arm}_s0-*/manifest.json")).parent.name for arm in ("english", "both"))
    places = {
        "out": out,
        "other": out.parent / "other",
        "study": finished.study,
        "tokenizer": tokenizer,
        "a": a,
        "b": b,
    }
    ended = loam(*(word.format(**places) for word in command.split()))
    assert ended.code == 0, ended.err
    assert ended.out
    assert not marker.exists()


def test_no_command_that_reads_is_missing_from_the_walk() -> None:
    """A reader that is added later has to be added here too."""
    takes_no_output_folder = {"ablate findings", "ablate export-queries"}
    runs_the_users_own_recipe_or_study = {
        "study",
        "curate run",
        "curate train-lm",
        "ablate run",
        "ablate pack",
        "ablate unpack",
    }
    walked = {name for name in NAMES for command in QUESTIONS.values() if command.startswith(f"{name} ")}
    assert set(NAMES) == walked | takes_no_output_folder | runs_the_users_own_recipe_or_study
