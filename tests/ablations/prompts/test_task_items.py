"""Files of a study's tasks: found from the data's root, refused before anything runs when they cannot be used."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonl_writer import WriteJsonl

from ablations.core.data.items import TaskItems
from ablations.prompts.similarity import TfIdf
from ablations.prompts.task_items import check_files, items_file
from ablations.prompts.task_settings import TaskSettings, from_root
from ablations.settings import study_file as settings
from ablations.study import pipeline as study
from curation.runtime.config import build
from curation.runtime.errors import ConfigError, InputError
from tokenizer.model import TokenizerModel
from tokenizer.train import train_bpe

ROWS = [{"text": f"감상 {i}", "label": i % 2} for i in range(12)]
ASKED = [{"text": f"물음 {i}", "label": i % 2} for i in range(3)]
BPE = TokenizerModel(train_bpe((f"리뷰: 감상 {i} 물음\n평가: 긍정 부정 {i * 7}" for i in range(300)), 300), "bpe")


def write_study(folder: Path, tasks: list[Any]) -> str:
    said = {
        "name": "small",
        "recipe": {"data_root": "nowhere", "sources": {}},
        "cells": {"model": {"context": 64}},
        "tasks": tasks,
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(said), encoding="utf8")
    return str(folder / "study.yaml")


def test_items_files_are_found_from_the_root_of_the_data(tmp_path: Path, write_jsonl: WriteJsonl) -> None:
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
        ([{"title": "x", "label": 0}], InputError, "bad.jsonl, row 1: no field 'text'"),
        ([{"text": "x", "label": 7}], InputError, "row 1: label 7 is none of the choices' numbers 0 to 1"),
        ([{"text": "x"}], InputError, "row 1: no gold answer"),
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
    with pytest.raises(ConfigError, match=r"task nsmc: queries tasks/nsmc/test.jsonl.zst: no such file"):
        check_files(TaskSettings(kind="nsmc", pool=str(good)), ())
    check_files(TaskSettings(kind="control_map"), ())


def test_a_task_finds_its_own_rows_below_the_root_of_the_data(tmp_path: Path, write_jsonl: WriteJsonl) -> None:
    write_jsonl("data/tasks/nsmc/train.jsonl.zst", ROWS)
    write_jsonl("data/tasks/nsmc/test.jsonl.zst", ASKED)
    study.check(*settings.load(write_study(tmp_path, ["nsmc"]), [f"recipe.data_root={tmp_path / 'data'}"]))


def test_pool_and_queries_from_one_file_are_refused_before_anything_runs(write_jsonl: WriteJsonl) -> None:
    path = str(write_jsonl("rows.jsonl", ROWS))
    with pytest.raises(ConfigError, match="a query would be among its demonstrations"):
        check_files(TaskSettings(kind="nsmc", pool=path, queries=path), ())


def test_settings_that_say_nothing_about_a_probe_are_refused() -> None:
    with pytest.raises(ConfigError, match="draws does not apply to control_map"):
        check_files(TaskSettings(kind="control_map", draws=3), ())


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"shots": []}, "needs numbers from 0 to 1024"),
        ({"shots": [-1]}, "needs numbers from 0"),
        ({"template": 0}, "greater than or equal to 1"),
        ({"name": "a.b"}, "not usable in a path"),
    ],
)
def test_settings_of_no_use_are_refused(said: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        build(TaskSettings, {"kind": "nsmc", **said}, "study.yaml")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"selection": "near"}, "task nsmc: selection: unknown demo selection 'near'. Did you mean 'nearest'"),
        ({"order": "shuffled"}, "task nsmc: order: unknown demo order 'shuffled'"),
    ],
)
def test_a_selection_or_an_order_that_nobody_knows_is_refused_before_any_row_is_read(
    said: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        check_files(TaskSettings(kind="nsmc", **said), ())


def test_one_task_stands_twice_in_a_study_under_two_names(tmp_path: Path, write_jsonl: WriteJsonl) -> None:
    write_jsonl("data/tasks/nsmc/train.jsonl.zst", ROWS)
    write_jsonl("data/tasks/nsmc/test.jsonl.zst", ASKED)
    root = [f"recipe.data_root={tmp_path / 'data'}"]
    with pytest.raises(ConfigError, match="tasks: 'nsmc' is listed twice"):
        settings.load(write_study(tmp_path, ["nsmc", {"kind": "nsmc", "template": 2}]))
    loaded, recipe = settings.load(
        write_study(tmp_path, ["nsmc", {"kind": "nsmc", "template": 2, "name": "film"}]), root
    )
    study.check(loaded, recipe)
    made = [items_file(task, recipe.root, BPE, 400, (), 0) for task in loaded.task_settings]
    items = [TaskItems.from_json(json.loads(each.text)) for each in made]
    assert [each.task for each in items] == ["nsmc", "film"]
    assert items[1].labels == ("별로다", "재미있다")
    assert made[0].digest != made[1].digest


def test_a_task_in_yaml_beside_the_study_is_found_and_its_text_enters_the_digest(
    tmp_path: Path, write_jsonl: WriteJsonl
) -> None:
    write_jsonl("data/train.jsonl", ROWS)
    write_jsonl("data/test.jsonl", ASKED)
    templates = [{"query": "{text}\n", "cue": cue, "choices": [" 부정", " 긍정"]} for cue in ("평가:", "감상:")]
    task = {"kind": "film", "version": 1, "sample": ROWS[0], "templates": templates}
    task |= {"pool": "train.jsonl", "queries": "test.jsonl", "shots": [0, 2]}
    digests = []
    for cue in ("평가:", "점수:"):
        templates[0]["cue"] = cue
        (tmp_path / "film.yaml").write_text(yaml.safe_dump(task), encoding="utf8")
        path = write_study(tmp_path, [{"kind": "film.yaml", "draws": 2}])
        loaded, recipe = settings.load(path, [f"recipe.data_root={tmp_path / 'data'}"])
        study.check(loaded, recipe)
        (said,) = loaded.task_settings
        assert said.name == "film"
        digests.append(items_file(said, recipe.root, BPE, 200, (), 0).digest)
    assert digests[0] != digests[1]


def test_rows_that_are_empty_are_counted_and_unusable_ones_named(write_jsonl: WriteJsonl) -> None:
    pool = str(write_jsonl("pool.jsonl", [*ROWS, {"text": "  ", "label": 0}]))
    queries = str(write_jsonl("queries.jsonl", ASKED))
    said = TaskSettings(kind="nsmc", pool=pool, queries=queries, shots=(0, 2), draws=1)
    counts = TaskItems.from_json(json.loads(items_file(said, "", BPE, 400, (), 0).text)).counts
    assert (counts["pool_rows_empty"], "query_rows_empty" in counts) == (1, False)
    write_jsonl("queries.jsonl", [*ASKED, {"text": "x", "label": 9}])
    with pytest.raises(InputError, match=r"task nsmc: .*queries.jsonl, row 4: label 9 is none of the choices"):
        items_file(said, "", BPE, 400, (), 0)


def test_similar_texts_share_characters() -> None:
    found = TfIdf(["영화가 재미있다", "주식이 올랐다", "영화는 재미없다"], ["영화가 재미있네"])
    near = found.to_query(0)
    assert near.argsort()[::-1].tolist() == [0, 2, 1]
    among = found.among([0, 1, 2])
    assert among.shape == (3, 3)
    assert among.diagonal() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    "how", [{"selection": "nearest"}, {"selection": "diverse"}, {"order": "similar_last"}], ids=str
)
def test_demonstrations_that_look_at_the_query_are_the_same_twice_and_say_so(
    write_jsonl: WriteJsonl, how: dict[str, Any]
) -> None:
    pool, queries = str(write_jsonl("pool.jsonl", ROWS)), str(write_jsonl("queries.jsonl", ASKED))
    said = TaskSettings(kind="nsmc", pool=pool, queries=queries, draws=2, shots=(0, 4), balance="balanced", **how)
    made = items_file(said, "", BPE, 400, (), 0)
    assert made == items_file(said, "", BPE, 400, (), 0)
    about = TaskItems.from_json(json.loads(made.text)).about
    assert {"selection": about["selection"], "order": about["order"]} == {
        "selection": "hashed",
        "order": "hashed",
        **how,
    }
    assert about["demonstrations"] == "each item's own"
