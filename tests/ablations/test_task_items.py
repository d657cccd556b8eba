"""Files of a study's tasks: found from the data's root, refused before anything runs when they cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from jsonl_writer import WriteJsonl

from ablations import settings, study
from ablations.settings import TaskSettings, from_root
from ablations.task_items import check_files
from curation.runtime.errors import ConfigError, InputError

ROWS = [{"text": f"감상 {i}", "label": i % 2} for i in range(12)]


def write_study(folder: Path, tasks: list[dict[str, str]]) -> str:
    said = {
        "name": "small",
        "recipe": {"data_root": "nowhere", "sources": {}},
        "cells": {"model": {"context": 64}},
        "tasks": tasks,
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(said), encoding="utf8")
    return str(folder / "study.yaml")


def test_task_files_are_found_from_the_root_of_the_data(tmp_path: Path, write_jsonl: WriteJsonl) -> None:
    """One --set recipe.data_root must move a whole study to another machine."""
    write_jsonl("data/nsmc/train.jsonl.zst", ROWS)
    write_jsonl("data/nsmc/test.jsonl.gz", ROWS[:3])
    tasks = [{"kind": "nsmc", "pool": "nsmc/train.jsonl.zst", "queries": "nsmc/test.jsonl.gz"}]
    path = write_study(tmp_path, tasks)
    study.check(*settings.load(path, [f"recipe.data_root={tmp_path / 'data'}"]))
    with pytest.raises(ConfigError, match=r"task nsmc: pool nowhere/nsmc/train.jsonl.zst: no such file"):
        study.check(*settings.load(path))


def test_absolute_paths_homes_and_urls_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert from_root("/data", "a/b.jsonl") == "/data/a/b.jsonl"
    assert from_root("/data", "/a/b.jsonl") == "/a/b.jsonl"
    assert from_root("/data", "~/b.jsonl") == "/home/me/b.jsonl"
    assert from_root("/data", "s3://bucket/b.jsonl") == "s3://bucket/b.jsonl"


@pytest.mark.parametrize(
    ("rows", "error", "told"),
    [
        ([], ConfigError, "no row in it"),
        ([{"title": "x", "label": 0}], ConfigError, "no field 'text'"),
        ([{"text": "x", "label": 7}], ConfigError, "index out of range"),
        ([b"{"], InputError, "Mend the line"),
    ],
)
def test_files_that_a_task_cannot_use_are_refused_at_once(
    write_jsonl: WriteJsonl, rows: list[object], error: type[Exception], told: str
) -> None:
    """Else it shows after the corpora were curated and the tokenizer was trained."""
    good, bad = write_jsonl("good.jsonl", ROWS), write_jsonl("bad.jsonl", rows)
    with pytest.raises(error, match=told):
        check_files(TaskSettings(kind="nsmc", pool=str(good), queries=str(bad)), ())
    with pytest.raises(ConfigError, match="no queries"):
        check_files(TaskSettings(kind="nsmc", pool=str(good)), ())
    check_files(TaskSettings(kind="control_map"), ())
