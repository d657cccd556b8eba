"""A small study, run once for all end-to-end tests of the session; and once more by a program of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import members
import pytest
from finished import Finished
from loam import Loam
from small_study import write_corpora, write_study
from undisturbed import Undisturbed, finish

from ablations.study import whole_study
from curation.runtime.cluster.cluster import Compute
from curation.runtime.command_line.options import Command


@pytest.fixture
def loam(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], compute: Compute) -> Loam:
    return Loam(monkeypatch, capsys)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, compute: Compute) -> Finished:
    """The small study with plugins that add one member of each sort, from raw text to report."""
    folder = tmp_path_factory.mktemp("study")
    write_corpora(folder)
    (folder / "mine.py").write_text(members.SOURCE, encoding="utf8")
    (folder / "norm.py").write_text(members.METRIC, encoding="utf8")
    for name, numbers in (("numbers", range(35)), ("more_numbers", range(35, 40))):
        (folder / f"{name}.jsonl").write_text("\n".join(f'{{"n": {n}}}' for n in numbers), encoding="utf8")
    path = write_study(folder, **with_plugin(folder))
    whole_study.run(Command(str(path), str(folder / "out"), workers=2))
    return Finished(folder, path, folder / "out")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The small study without a plugin, run by two workers from its start to its end."""
    folder = tmp_path_factory.mktemp("two")
    write_corpora(folder)
    study = write_study(folder)
    return Undisturbed(study, folder / "out", *finish(study, folder / "out", 2))


def with_plugin(folder: Path) -> dict[str, Any]:
    """What differs in the small study when it uses the members of the plugin."""
    numbers, more = str(folder / "numbers.jsonl"), str(folder / "more_numbers.jsonl")
    policy = {
        "defaults": {
            "keep": {"vowel_share": {"share": {"max": 0.9}}},
            "replace": {"pii": "all"},
            "duplicates": "exact_hash",
        }
    }
    annotators = ["vowel_share", "char_classes", {"kind": "pii", "entities": ["email", "ticket_number"]}, "exact_hash"]
    recipe = {
        "data_root": str(folder),
        "sources": {
            "english": {"kind": "files", "path": "english.jsonl"},
            "korean": {"kind": "files", "path": "korean.jsonl"},
        },
        "passes": [{"name": "select", "annotators": annotators, "policy": policy}],
        "shard_bytes": 30_000,
    }
    task = {"kind": "count_up", "pool": numbers, "queries": more, "draws": 2, "items": 5}
    return {"plugins": ["mine.py", "norm.py"], "recipe": recipe, "tasks": ["control_map", task]}
