"""Items of tasks that stand in the training text: how they are found, and that they are scored apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ablations.cells.cell_files import CellFiles, cell_result
from ablations.core.results.answers import GroupAnswers, Score, TaskAnswers
from ablations.prompts.tasks.base import Example
from ablations.prompts.tasks.questions import Question
from ablations.study.found_items import found_items
from curation.pipeline import curate
from curation.recipes.loading import load_recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.store.folder import Folder

LONG = "The committee met on a cold morning in March to discuss the plans for the new bridge over the river near the old mill"
KOREAN = "위원회는 삼월의 추운 아침에 모여 오래된 방앗간 근처의 강 위에 놓일 새 다리의 계획을 의논하였고 결론을 내지 못하였다"
REST = "Something else stands here, and it goes on for a while so that the document is long enough to be kept. " * 4


def question(name: str, *texts: str) -> Question:
    return Question(name, " ".join(texts), Example("", ("a",), 0), "", texts=texts)


def test_an_item_stands_in_a_source_that_holds_all_its_long_texts(tmp_path: Path, write_jsonl: Any) -> None:
    documents = {
        "news": [f"{REST}{LONG}. {REST}", f"{REST}\n{KOREAN}\n{REST}"],
        "blog": [f"{REST}{LONG.upper()}!", REST + "Is it so?"],
        "empty": [REST],
    }
    for name, texts in documents.items():
        write_jsonl(f"{name}.jsonl", [{"text": text} for text in texts])
    recipe = {
        "name": "found",
        "sources": {name: {"kind": "files", "path": str(tmp_path / f"{name}.jsonl")} for name in documents},
        "passes": [{"name": "only", "annotators": ["char_classes"]}],
    }
    path = tmp_path / "found.yaml"
    path.write_text(json.dumps(recipe))
    out, compute = Folder(str(tmp_path / "out")), Compute(workers=2)
    curated = curate(load_recipe(str(path)), out, compute)
    asked = {
        "english": [question("in_two", LONG, "Yes?"), question("nowhere", LONG, REST[::-1])],
        "korean": [question("in_news", KOREAN), question("twice", KOREAN), question("of_both", KOREAN, LONG)],
        "map": [],
    }  # fmt: skip
    found = found_items(asked, {name: curated.shards[name] for name in documents}, out, compute)
    assert len(found.folders) == 3
    assert found.in_text == {
        "english": {"in_two": ("news", "blog")},
        "korean": {"in_news": ("news",), "twice": ("news",), "of_both": ("news",)},
        "map": {},
    }


def test_items_in_the_training_text_enter_no_number_and_are_scored_apart(tmp_path: Path) -> None:
    scores = tuple(Score(f"i{number}", 0, (-1.0, -2.0) if number else (-3.0, -2.0), (1, 1)) for number in range(4))
    groups = tuple(
        GroupAnswers(2, condition, draw, scores, (0, 1)) for condition in ("gold", "permuted") for draw in (0, 1)
    )
    folder, measure = Folder(str(tmp_path / "cell")), Folder(str(tmp_path / "measure"))
    folder.write_json("training.json", {})
    final = {"readings": [], "details": {}, "answers": {"": TaskAnswers("nsmc", groups).to_json()}}
    measure.write_json("measure.json", {"metric": "few_shot", "task": "nsmc", "final": final, "curve": []})
    found = {}
    for name, in_text in (("all", {}), ("some", {"i0": ["news"]}), ("unknown", None)):
        items = {"labels": ["a", "b"], "metrics": [], "in_text": in_text}
        found[name] = cell_result(CellFiles("a", 0, folder, {"few_shot.nsmc": measure}, {"nsmc": items}))
    gold = "few_shot.nsmc.k2.gold."
    assert found["all"].values[f"{gold}accuracy"] == 0.75
    assert found["some"].values[f"{gold}accuracy"] == 1.0
    assert found["some"].values[f"{gold}in_text.accuracy"] == 0.0
    assert found["some"].values[f"{gold}in_text.nll"] == pytest.approx(3.0)
    assert {score.id for group in found["some"].answers["nsmc"].groups for score in group.scores} == {"i1", "i2", "i3"}
    assert found["some"].counts["nsmc"] == {"in_text": 1, "in_text.news": 1}
    assert found["all"].counts["nsmc"] == {"in_text": 0}
    assert found["unknown"].counts["nsmc"] == {}
    assert not [name for name in (*found["all"].values, *found["unknown"].values) if "in_text" in name]
