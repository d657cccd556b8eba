"""A selection and an order of demonstrations in plugins: named by a study's task, checked, and seen in its prompts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from contributing import contributed
from jsonl_writer import WriteJsonl
from letter_encoder import Letters
from small_study import write_study

from ablations.core.data.items import TaskItems
from ablations.prompts.task_files import task_class
from ablations.prompts.task_items import row_items
from ablations.settings import study_file as settings
from ablations.study import pipeline as studies
from curation.runtime.errors import ConfigError

DAYS = ("mmmmmmmm", "mmmmmmmz", "mmmmmzzz", "zzzzzzzz", "zzzzzzzm", "zzzzmmmm", "qqqqqqqq", "qqqqqqqm")


def items_of(folder: Path, write_jsonl: WriteJsonl, **how: str) -> TaskItems:
    """Of a study that asks `nsmc` with members of its own plugins."""
    write_jsonl("pool.jsonl", [{"text": day, "id": str(n), "label": n % 2} for n, day in enumerate(DAYS)])
    write_jsonl("asked.jsonl", [{"text": "mmmmmmqq", "id": "q", "label": 0}])
    for name in ("Farthest", "SimilarFirst"):
        (folder / f"{name}.py").write_text(contributed(name), encoding="utf8")
    files = {"pool": str(folder / "pool.jsonl"), "queries": str(folder / "asked.jsonl")}
    task = {"kind": "nsmc", "shots": [2], "draws": 1, **files, **how}
    path = write_study(folder, tasks=[task], plugins=["Farthest.py", "SimilarFirst.py"], claims=[])
    study, recipe = settings.load(str(path))
    studies.check(study, recipe)
    (said,) = study.task_settings
    made = task_class(said.kind, study.loaded_plugins)(said.template)
    return row_items(said, made, "", Letters(), 400, study.loaded_plugins)


def prompt_of(items: TaskItems) -> str:
    group = next(each for each in items.groups if each.k == 2 and each.condition == "gold")
    return "".join(map(chr, group.items[0].prompt))


def test_members_of_plugins_put_prompts_together(tmp_path: Path, write_jsonl: WriteJsonl) -> None:
    farthest, nearest = (items_of(tmp_path, write_jsonl, selection=each) for each in ("farthest", "nearest"))
    assert json.loads(json.dumps(farthest.about))["selection"] == "farthest"
    assert prompt_of(farthest) != prompt_of(nearest)
    last, first = (
        items_of(tmp_path, write_jsonl, selection="nearest", order=order) for order in ("similar_last", "similar_first")
    )
    shown, turned = ([day for day in prompt_of(items).split() if day in DAYS] for items in (last, first))
    assert shown == turned[::-1]
    assert len(set(shown)) == 2


def test_a_name_that_no_plugin_has_is_refused_before_anything_runs(tmp_path: Path, write_jsonl: WriteJsonl) -> None:
    with pytest.raises(ConfigError, match=r"task nsmc: selection: unknown demo selection 'farthes'.*'farthest'"):
        items_of(tmp_path, write_jsonl, selection="farthes")
