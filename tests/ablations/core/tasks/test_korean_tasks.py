"""The Korean tasks: every real row makes an example, and what decontamination takes of it is its own text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ablations.core.prompts import conditions, task_items
from ablations.core.tasks.base import TASKS, FewShotTask
from ablations.core.tasks.kobest_copa import KobestCopa
from ablations.core.tasks.news_topic import LABELS, NewsTopic
from ablations.core.tasks.nsmc import Nsmc

SHARED = Path(__file__).parents[5] / "shared" / "data" / "tasks"
MADE = {name: cls() for name, cls in TASKS.classes().items() if name != "control_map"}
every_text_task = pytest.mark.parametrize("task", MADE.values(), ids=MADE)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    from curation.sources.base import Piece
    from curation.sources.jsonl import objects

    for _, row in objects(Piece("", str(path), 0, "", "jsonl")):
        assert isinstance(row, dict)
        yield row


@every_text_task
def test_answers_are_distinct_and_begin_with_their_space(task: FewShotTask) -> None:
    """Two equal answers could not be told apart, and a missing space makes another first piece."""
    example = task.example(task.sample)
    assert len(set(example.choices)) == len(example.choices) >= 2
    assert all(choice[0] == " " and choice[1:] == choice.strip() for choice in example.choices)
    assert not example.prompt.endswith(" ")


@every_text_task
def test_the_text_fields_are_texts_of_the_prompt(task: FewShotTask) -> None:
    """A label among them would find every document that holds this word on a line."""
    example = task.example(task.sample)
    fields = set(task.text_fields()) & set(task.sample)
    assert fields
    assert all(any(task.sample[f] in text for text in (example.prompt, *example.choices)) for f in fields)
    assert not {"label", "question_type", "word"} & fields


@every_text_task
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data, which is no part of the repository")
def test_every_real_row_makes_an_example_and_every_answer_occurs(task: FewShotTask) -> None:
    files = sorted((SHARED / task.kind).glob("*.jsonl.zst"))
    assert files
    for path in files:
        seen = set()
        for row in rows(path):
            example = task.example(row)
            seen.add(example.gold)
            assert all(choice == f" {choice.strip()}" for choice in example.choices)
            assert set(task.text_fields()) <= set(row)
        assert seen == set(range(len(example.choices)))


def test_a_copa_row_is_joined_by_what_it_asks_for() -> None:
    row = {**KobestCopa.sample, "question": "원인 ", "premise": "비가 왔다. "}
    assert KobestCopa().example(row).prompt == "비가 왔다. 왜냐하면"
    assert KobestCopa().example(KobestCopa.sample).prompt == "비가 왔다. 그래서"


def test_permuted_topics_are_other_topics_everywhere_alike() -> None:
    """Permuted demos must show every topic under one other name, or they would only be noise."""
    demos = [NewsTopic().example({"title": f"제목 {i}", "label": i % len(LABELS)}) for i in range(14)]
    made = conditions(demos, 14, seed=3)
    other = dict(zip(made["gold"], made["permuted"], strict=True))
    assert set(other) == set(other.values()) == {f" {label}" for label in LABELS}
    assert all(gold != shown for gold, shown in other.items())
    assert made["permuted"] == [other[gold] for gold in made["gold"]]


def test_prompts_of_reviews_look_as_a_reader_expects_and_long_ones_are_counted() -> None:
    pool = [{"text": f"감상 {i}", "label": i % 2} for i in range(12)]
    asked = [{"text": "다시 보고 싶다", "label": 1}]
    made = task_items(Nsmc(), pool, asked, lambda text: [ord(c) for c in text], 1, 60, draws=2)
    group = next(g for g in made.groups if (g.k, g.condition, g.draw) == (1, "permuted", 0))
    text = "".join(map(chr, (*group.prefix[1:], *group.items[0].prompt)))
    assert text.endswith("\n\n리뷰: 다시 보고 싶다\n평가:")
    shown = text.split("\n평가: ")[1].split("\n")[0]
    demo = next(row for row in pool if row["text"] == text.split("\n")[0].removeprefix("리뷰: "))
    assert shown == ("긍정", "부정")[demo["label"]], "the demo shows the other answer"
    unfit = [group for group in made.groups if not group.items[0].fits]
    assert made.counts["too_long"] == len(unfit) > 0
    assert json.dumps(made.to_json())
