"""The built-in tasks: every real row makes an example, and what decontamination takes of it is its own text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from letter_encoder import Letters, asked

from ablations.prompts.demos import Design
from ablations.prompts.prompts import task_items
from ablations.prompts.task_files import classes
from ablations.prompts.tasks.base import FewShotTask
from ablations.prompts.tasks.kobest_copa import KobestCopa
from ablations.prompts.tasks.korquad import Korquad
from ablations.prompts.tasks.korsts import Korsts
from ablations.prompts.tasks.map_task import MapTask
from ablations.prompts.tasks.questions import questions

SHARED = Path(__file__).parents[5] / "shared" / "data"
CLASSES = {name: cls for name, cls in classes().items() if not issubclass(cls, MapTask)}
MADE = {f"{name}-{n}": cls(n) for name, cls in CLASSES.items() for n in range(1, len(cls.templates) + 1)}
every_wording = pytest.mark.parametrize("task", MADE.values(), ids=MADE)
every_task = pytest.mark.parametrize("task", [cls() for cls in CLASSES.values()], ids=CLASSES)
WITH_ROWS = {name: cls for name, cls in CLASSES.items() if cls.pool and cls.queries}  # others are named with their rows
every_task_with_rows = pytest.mark.parametrize("task", [cls() for cls in WITH_ROWS.values()], ids=WITH_ROWS)
with_data = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data, which is no part of the repository")
LABELS = {"label", "question_type", "word", "hate", "score"}


def rows(path: Path) -> Iterator[dict[str, Any]]:
    from curation.sources.base import Piece
    from curation.sources.jsonl import objects

    for _, row in objects(Piece("", str(path), 0, "", "jsonl")):
        assert isinstance(row, dict)
        yield row


def test_the_four_families_of_the_published_table_and_all_formats_are_there() -> None:
    table = {"nsmc", "news_topic", "korquad", "translate_ko_en", "translate_en_ko"}
    kobest = {f"kobest_{name}" for name in ("boolq", "copa", "hellaswag", "wic")}
    assert set(CLASSES) >= table | kobest | {"klue_nli", "kornli_xnli", "korsts", "korean_hate_speech"}


@every_wording
def test_answers_are_distinct_and_begin_with_their_space(task: FewShotTask) -> None:
    """Two equal answers could not be told apart, and a missing space makes another first piece."""
    example = task.example(task.sample)
    assert len(set(example.choices)) == len(example.choices) >= (1 if task.written else 2)
    assert all(choice[0] == " " and choice[1:] == choice.strip() for choice in example.choices)
    assert not example.prompt.endswith((" ", "\n"))
    assert task.example(task.sample) == example


@every_wording
def test_a_demonstration_ends_where_a_prompt_may_be_cut(task: FewShotTask) -> None:
    """Else preparing 70 demonstrations for 200 questions takes minutes."""
    assert task.template.separator.endswith("\n")


@every_task
def test_the_text_fields_are_texts_of_the_prompt(task: FewShotTask) -> None:
    """A label among them would find every document that holds this word on a line."""
    example = task.example(task.sample)
    fields = set(task.text_fields()) & set(task.sample)
    assert fields
    assert all(any(task.sample[f] in text for text in (example.prompt, *example.choices)) for f in fields)
    assert not LABELS & fields


@every_task_with_rows
@with_data
def test_every_real_row_makes_an_example_and_every_answer_occurs(task: FewShotTask) -> None:
    for path in (task.pool, task.queries):
        found, empty = questions(task, rows(SHARED / path), path)
        assert empty == 0
        assert {question.example.gold for question in found} == set(range(len(found[0].example.choices)))
        for question in found:
            example = question.example
            assert all(choice == f" {choice.strip()}" for choice in example.choices)
            assert "\n" not in "".join(example.choices) + "".join(example.references)
            assert task.template.separator not in example.prompt, "a text must not look like the end of a demonstration"
        assert set(task.text_fields()) <= set(next(rows(SHARED / path)))


def test_a_copa_row_is_joined_by_what_it_asks_for() -> None:
    row = {**KobestCopa.sample, "question": "원인 ", "premise": "비가 왔다. "}
    assert KobestCopa().example(row).prompt == "비가 왔다. 왜냐하면"
    assert KobestCopa().example(KobestCopa.sample).prompt == "비가 왔다. 그래서"
    with pytest.raises(ValueError, match="asks for none of"):
        KobestCopa().example({**row, "question": "시간"})


@pytest.mark.parametrize(("score", "gold"), [(0, 0), (2.9, 0), (3.0, 1), (5, 1)])
def test_sentences_are_alike_from_three_points_on(score: float, gold: int) -> None:
    assert Korsts().gold({"score": score}) == gold


def test_any_of_several_answers_counts_and_the_first_is_shown() -> None:
    example = Korquad().example(Korquad.sample)
    assert example.choices == (" 1932년",)
    assert example.references == ("1932년", "1932년에")
    with pytest.raises(ValueError, match="nothing under 'answers'"):
        Korquad().example({**Korquad.sample, "answers": []})


def test_stray_spaces_line_breaks_and_lone_surrogates_do_not_reach_a_prompt() -> None:
    task = CLASSES["nsmc"]()
    assert (
        task.example({"text": " 좋다\n\n평가:  긍정\ud800\r\n", "label": 1}).prompt
        == "리뷰: 좋다 평가:  긍정\ufffd\n평가:"
    )


def test_prompts_of_reviews_look_as_a_reader_expects() -> None:
    pool: list[dict[str, Any]] = [{"text": f"감상 {i}", "label": i % 2} for i in range(12)]
    task = CLASSES["nsmc"]()
    question = [{"text": "다시 보고 싶다", "label": 1}]
    made = task_items(task, asked(task, pool), asked(task, question), Letters(), 200, Design((1,), draws=1))
    group = next(g for g in made.groups if g.condition == "permuted")
    text = "".join(map(chr, (*group.prefix[1:], *group.items[0].prompt)))
    assert text.endswith("\n\n리뷰: 다시 보고 싶다\n평가:")
    shown = text.split("\n평가: ")[1].split("\n")[0]
    demo = next(row for row in pool if row["text"] == text.split("\n")[0].removeprefix("리뷰: "))
    assert shown == ("긍정", "부정")[demo["label"]], "the demonstration shows the other answer"
