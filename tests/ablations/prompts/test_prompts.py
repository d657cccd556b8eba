"""Token items made of a task's rows: what stands in them, what is counted, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from letter_encoder import ROWS, Capital, Copy, Letters, Mood, asked, groups_of, items_of, prompt_of, text_of

from ablations.core.data.items import TaskItems
from ablations.core.results.answers import CONTENT_FREE, NOT_ASKED, UNCONDITIONAL
from ablations.prompts.joining import split
from ablations.prompts.tasks.base import FewShotTask
from ablations.prompts.tasks.conditions import ASKED
from ablations.prompts.tasks.questions import questions
from curation.runtime.errors import ConfigError, InputError

TASKS = (Mood(), Capital(), Copy())
every_sort = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
ALL: dict[str, Any] = {"conditions": ASKED}


class SameLetters:
    """Similarity by letters in common: slow and plain, where the program takes TF-IDF."""

    def __init__(self, pool: Sequence[str], queries: Sequence[str]) -> None:
        self.pool, self.queries = [set(text) for text in pool], [set(text) for text in queries]

    def to_query(self, query: int) -> np.ndarray:
        return np.array([len(text & self.queries[query]) / len(text | self.queries[query]) for text in self.pool])

    def among(self, rows: Sequence[int]) -> np.ndarray:
        return np.array(
            [[len(self.pool[a] & self.pool[b]) / len(self.pool[a] | self.pool[b]) for a in rows] for b in rows]
        )


def test_the_pieces_put_together_are_the_prompt_that_a_reader_expects() -> None:
    pool = [{"text": t, "label": 1} for t in "abc"]
    made = items_of(Mood(), pool, [{"text": "q", "label": 0}])
    (zero,) = groups_of(made, k=0, condition="gold")
    assert prompt_of(zero) == "mood?\n\nq ="
    assert [text_of(choice) for choice in zero.items[0].choices] == [" bad", " good"]
    assert zero.items[0].choice_bytes == (3, 4)
    assert zero.prefix[0] == Letters.bos
    (three,) = groups_of(made, k=3, condition="gold", draw=1)
    first, *demos, last = prompt_of(three).split("\n\n")
    assert (first, last) == ("mood?", "q =")
    assert sorted(demos) == ["a = good", "b = good", "c = good"]
    assert made.labels == ("bad", "good")
    assert made.metrics == ("accuracy",)


def test_another_template_asks_the_same_rows_with_the_same_demonstrations_in_other_words() -> None:
    one, other = items_of(Mood(1)), items_of(Mood(2))
    assert [[item.id for item in g.items] for g in groups_of(one, condition="gold")] == [
        [item.id for item in g.items] for g in groups_of(other, condition="gold")
    ]
    for a, b in zip(groups_of(one, k=3), groups_of(other, k=3), strict=True):
        assert a.demo_labels == b.demo_labels
    shown = prompt_of(groups_of(other, k=1, condition="gold")[0])
    assert shown == f"{shown.split()[0]} {shown.split()[1]}\nso{shown.split('so')[1]}so"


@every_sort
def test_demos_nest_and_do_not_depend_on_the_queries_asked(task: FewShotTask) -> None:
    more, fewer = items_of(task), items_of(task, items=1)
    assert len(groups_of(fewer, condition="gold")[0].items) == 1
    for one, other in zip(groups_of(more, condition="gold"), groups_of(fewer, condition="gold"), strict=True):
        assert prompt_of(one) == prompt_of(other)
    texts = [text_of(g.prefix[1:]) for g in groups_of(more, draw=0, condition="gold")]
    for shorter, longer in pairwise(texts):
        assert longer.startswith(shorter)
        assert len(longer) > len(shorter)


@every_sort
def test_every_k_draw_and_condition_is_there_once(task: FewShotTask) -> None:
    made = items_of(task)
    found = [(g.k, g.condition, g.draw) for g in made.groups]
    assert len(set(found)) == len(found)
    wanted = {(0, "gold", 0)} | {(k, "gold", draw) for k in task.shots[1:] for draw in (0, 1)}
    wanted |= {(k, "permuted", draw) for k, c, draw in wanted if k > 1 or (k == 1 and task.shared_choices)}
    if task.shared_choices:
        wanted |= {(k, CONTENT_FREE, draw) for k, c, draw in wanted if c == "gold"}
    if not task.written:
        wanted.add((0, UNCONDITIONAL, 0))
    assert set(found) == wanted


def test_flipped_asks_the_permuted_prompts_and_counts_the_shown_label_as_right() -> None:
    made = items_of(Mood(), **ALL)
    for permuted, flipped in zip(
        groups_of(made, condition="permuted"), groups_of(made, condition="flipped"), strict=True
    ):
        assert (permuted.prefix, permuted.demo_labels) == (flipped.prefix, flipped.demo_labels)
        for a, b in zip(permuted.items, flipped.items, strict=True):
            assert (a.prompt, a.choices, 1 - a.gold) == (b.prompt, b.choices, b.gold)


def test_nonce_words_stand_for_the_labels_in_demonstrations_and_choices_alike() -> None:
    made = items_of(Mood(), **ALL)
    for gold, nonce in zip(
        groups_of(made, condition="gold", k=3), groups_of(made, condition="nonce", k=3), strict=True
    ):
        bad, good = (text_of(choice) for choice in nonce.items[0].choices)
        assert prompt_of(gold).replace(" bad", bad).replace(" good", good) == prompt_of(nonce)
        assert nonce.demo_labels == gold.demo_labels
        assert [item.gold for item in nonce.items] == [item.gold for item in gold.items]


def test_questions_without_content_stand_behind_the_same_demonstrations() -> None:
    made = items_of(Mood())
    for free in groups_of(made, condition=CONTENT_FREE):
        (gold,) = groups_of(made, condition="gold", k=free.k, draw=free.draw)
        before = prompt_of(gold)[: prompt_of(gold).rindex("\n\n") + 2]
        assert [prompt_of(free, i) for i in range(3)] == [before + text for text in ("N/A =", " =", "[MASK] =")]
        assert free.demo_labels == gold.demo_labels
        assert len({item.id.split(".")[0] for item in free.items}) == 1, "they are chosen together"


def test_the_cue_alone_is_asked_once_for_shared_choices_and_for_each_row_otherwise() -> None:
    (group,) = groups_of(items_of(Mood()), condition=UNCONDITIONAL)
    assert (group.k, group.prefix, [item.id for item in group.items]) == (0, (1,), ["*"])
    assert prompt_of(group) == "="
    made = items_of(Capital(2))
    (group,) = groups_of(made, condition=UNCONDITIONAL)
    (zero,) = groups_of(made, k=0, condition="gold")
    assert [item.id for item in group.items] == [item.id for item in zero.items]
    assert {prompt_of(group, i) for i in range(4)} == {"is"}
    assert not groups_of(items_of(Copy()), condition=UNCONDITIONAL)


def test_a_written_answer_has_its_references_and_ends_at_a_line_break() -> None:
    made = items_of(Copy())
    assert (made.generation.max_tokens, made.generation.stop) == (7, Letters().line_ends)
    item = groups_of(made, k=0)[0].items[0]
    assert text_of(item.choices[0]) == f" {made.references[item.id][0]}"
    assert made.references[item.id][1] == made.references[item.id][0].upper()
    assert set(made.references) == {item.id for item in groups_of(made, k=0)[0].items}


def test_a_query_is_never_among_its_demos_whatever_its_id_or_date() -> None:
    """A pool row that asks what a query asks would hand the answer over."""
    queries = ROWS["mood"][12:]
    again = [{**row, "id": n, "text": f" {row['text']}\n", "label": 0} for n, row in enumerate(queries)]
    made = items_of(Mood(), ROWS["mood"][:12] + again)
    assert made.counts["pool_rows_left_out"] == 4
    assert made.groups == items_of(Mood()).groups


def test_a_pool_of_queries_alone_is_refused() -> None:
    with pytest.raises(ConfigError, match="a query would be among its demonstrations"):
        items_of(Mood(), ROWS["mood"], ROWS["mood"])


def test_a_pool_smaller_than_k_is_refused_with_what_was_left_out() -> None:
    with pytest.raises(ConfigError, match=r"capital: 3 pool rows are fewer than 4 demonstrations \(1 of 4 rows"):
        items_of(Capital(), [*ROWS["capital"][:3], ROWS["capital"][0] | {"date": 7}])


def test_repeated_rows_are_shown_and_asked_once() -> None:
    pool = ROWS["mood"][:12]
    assert items_of(Mood(), [*pool, *pool], [*ROWS["mood"][12:], ROWS["mood"][12]]).groups == items_of(Mood()).groups


def test_a_row_with_an_empty_question_is_left_out_and_counted() -> None:
    found, empty = questions(Mood(), [{"text": " \n", "label": 1}, {"text": "x", "label": 1}], "f")
    assert (len(found), empty) == (1, 1)


@pytest.mark.parametrize(
    ("task", "row", "told"),
    [
        (Mood(), {"label": 1}, r"task mood: f, row 2: no field 'text'; the row has label"),
        (Mood(), {"text": "x"}, r"row 2: no gold answer: nothing under 'label'"),
        (Mood(), {"text": "x", "label": None}, "no gold answer"),
        (Mood(), {"text": "x", "label": 2}, "label 2 is none of the choices' numbers 0 to 1"),
        (Mood(), {"text": "x", "label": -1}, "label -1 is none"),
        (Mood(), {"text": "x", "label": "good"}, "label 'good' is none"),
        (Mood(), {"text": "x", "label": True}, "label True is none"),
        (Capital(), {"of": "x", "is": " ", "label": 0}, "an empty answer"),
        (Copy(), {"text": "x", "said": []}, "an empty answer"),
        (Copy(), {"text": "x", "said": ["a", " "]}, "an empty answer"),
    ],
)
def test_a_row_that_cannot_be_asked_is_refused_with_its_place(
    task: FewShotTask, row: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        questions(task, [ROWS[task.kind][0], row], "f")


def test_an_item_that_does_not_fit_is_counted_by_k_and_says_so() -> None:
    made = items_of(Capital(), context=40)
    asking = [group for group in made.groups if group.condition not in NOT_ASKED]
    unfit = {k: sum(not item.fits for g in asking if g.k == k for item in g.items) for k in (0, 1, 2, 4)}
    assert sum(unfit.values()) == made.counts["too_long"] > 0
    assert unfit[0] == unfit[1] == 0
    assert {name: count for name, count in made.counts.items() if ".k" in name} == {
        f"too_long.k{k}": count for k, count in unfit.items() if count
    }
    made.check("here", 200, 40)
    assert all(
        len(g.prefix) + len(i.prompt) + max(map(len, i.choices)) - 1 > 40 for g in asking for i in g.items if not i.fits
    )


def test_a_context_too_short_for_one_demonstration_is_refused_with_its_length() -> None:
    shortest = min(
        len(g.prefix) + len(i.prompt) + max(map(len, i.choices)) - 1 for g in groups_of(items_of(Mood()), k=1) for i in g.items
        if g.condition != CONTENT_FREE
    )  # fmt: skip
    with pytest.raises(
        ConfigError, match=rf"too short for 1 demonstration: the shortest prompt takes {shortest} tokens"
    ):
        items_of(Mood(), context=shortest - 1)
    items_of(Mood(), context=shortest)


@pytest.mark.parametrize(
    ("task", "design", "told"),
    [
        (Capital(), {"conditions": ("gold", "flipped")}, "flipped needs choices that all rows share"),
        (Copy(), {"conditions": ("gold", "nonce")}, "nonce needs choices"),
        (Mood(), {"conditions": ("permuted",)}, "gold is missing"),
        (Mood(), {"conditions": ("gold", "golden")}, "unknown condition 'golden'. Did you mean 'gold'"),
        (Copy(), {"balanced": True}, "no labels to balance"),
        (Capital(), {"order": "entropy"}, "entropy needs choices that all rows share"),
        (Mood(), {"order": "entropy", "selection": "nearest"}, "entropy needs"),
    ],
)
def test_a_design_that_a_task_cannot_have_is_refused(task: FewShotTask, design: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        items_of(task, **design)


def test_candidates_of_an_order_hold_the_same_demonstrations() -> None:
    made = items_of(Mood(), order="entropy", draws=1)
    for condition in ("gold", "permuted", CONTENT_FREE):
        groups = groups_of(made, k=3, condition=condition)
        assert [g.candidate for g in groups] == list(range(len(groups)))
        assert len(groups) == 6, "three demonstrations have six orders"
        assert len({g.prefix for g in groups}) == 6
        assert len({tuple(sorted(text_of(g.prefix).split("\n\n"))) for g in groups}) == 1
        assert {g.candidate for g in groups_of(made, k=1, condition=condition)} == {None}
    assert len(groups_of(items_of(Mood(), order="entropy", draws=1, shots=(8,)), condition="gold")) == 8


@pytest.mark.parametrize(
    "design", [{"selection": "nearest"}, {"selection": "diverse"}, {"order": "similar_last"}], ids=str
)
@every_sort
def test_demonstrations_of_each_item_stand_in_its_own_prompt(task: FewShotTask, design: dict[str, Any]) -> None:
    made = items_of(task, measure=SameLetters, **design)
    assert made.about["demonstrations"] == "each item's own"
    assert not groups_of(made, condition=CONTENT_FREE)
    pool = {question.example.prompt for question in asked(task, ROWS[task.kind][:12])}
    for group in groups_of(made, condition="gold"):
        assert group.prefix == (1,)
        assert group.demo_labels == ()
        for place in range(len(group.items)):
            demos = prompt_of(group, place).removeprefix("mood?\n\n").split("\n\n")[:-1]
            assert len(set(demos)) == group.k
            assert all(any(demo.startswith(text) for text in pool) for demo in demos)
    at = {g.k: g for g in groups_of(made, condition="gold", draw=0)}
    for fewer, more in pairwise(task.shots):
        few, many = (set(prompt_of(at[k]).split("\n\n")) for k in (fewer, more))
        assert few < many, "demonstrations nest"


def test_the_most_similar_row_is_nearest_and_stands_last_when_asked_to() -> None:
    pool = [{"text": text, "label": 0} for text in ("abc", "abx", "xyz", "qrs", "uvw", "mno")]
    queries = [{"text": "abcd", "label": 1}]
    made = items_of(
        Mood(2), pool, queries, measure=SameLetters, selection="nearest", order="similar_last", shots=(3,), draws=6
    )
    assert any("abc\n" in prompt_of(g) for g in groups_of(made, condition="gold"))
    assert len({prompt_of(g) for g in groups_of(made, condition="gold")}) > 1, "draws see different halves of the pool"
    for group in groups_of(made, condition="gold"):
        shown = [demo.split("\n")[0] for demo in prompt_of(group).split("\n\n")[:-1]]
        if "abc" in shown:
            assert shown[-1] == "abc"


def test_items_that_do_not_fit_leave_their_own_prompt_out() -> None:
    made = items_of(Mood(), measure=SameLetters, selection="nearest", context=40)
    unfit = [item for group in made.groups for item in group.items if not item.fits]
    assert unfit
    assert all(item.prompt == () for item in unfit)


@every_sort
@pytest.mark.parametrize("own", [False, True])
def test_prompts_that_may_not_be_cut_have_the_same_tokens(task: FewShotTask, own: bool) -> None:
    """Where each letter is a piece, encoding in parts must give what encoding whole gives."""
    design: dict[str, Any] = {"selection": "nearest", "measure": SameLetters} if own else {}
    quick = items_of(task, **design)
    slow = items_of(task, encoder=Letters(has_break=False), **design)
    for a, b in zip(quick.groups, slow.groups, strict=True):
        assert [prompt_of(a, i) for i in range(len(a.items))] == [prompt_of(b, i) for i in range(len(b.items))]
        assert [(i.id, i.choices, i.gold, i.fits) for i in a.items] == [
            (i.id, i.choices, i.gold, i.fits) for i in b.items
        ]
    assert quick.counts == slow.counts


@pytest.mark.parametrize("has_break", [False, True])
def test_a_piece_across_the_border_stays_with_the_answer_and_is_counted(has_break: bool) -> None:
    encoder = Letters(has_break, pairs={": ": "§"})
    prompt, choices, crossed = split("a:", (" b", " c"), encoder.encode)
    assert crossed
    assert text_of(prompt) == "a"
    assert [text_of(c) for c in choices] == ["§b", "§c"]
    made = items_of(Capital(), encoder=encoder)
    asking = [item for g in made.groups for item in g.items]
    assert made.counts["border_crossings"] == len(asking), "every prompt of every group has one"
    assert all(chr(choice[0]) == "§" for item in asking for choice in item.choices)
    assert items_of(Capital()).counts["border_crossings"] == 0


def test_choices_that_begin_alike_share_no_part_of_their_answer_with_the_prompt() -> None:
    prompt, choices, crossed = split("a:", (" bx", " by"), Letters().encode)
    assert text_of(prompt) == "a:"
    assert [text_of(c) for c in choices] == [" bx", " by"]
    assert not crossed


@given(
    st.text(min_size=1, max_size=8), st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=3), st.booleans()
)
def test_prompt_and_choice_together_are_the_tokens_of_the_joined_text(
    prompt: str, choices: list[str], pairs: bool
) -> None:
    encode = Letters(pairs={"00": "§", "0 ": "¶"} if pairs else None).encode
    start, ends, crossed = split(prompt, choices, encode)
    assert [start + end for end in ends] == [encode(prompt + choice) for choice in choices]
    assert all(ends)
    assert crossed == (start != encode(prompt))


@every_sort
def test_items_survive_their_file(task: FewShotTask) -> None:
    for design in ({}, {"order": "entropy"} if task.shared_choices else {"draws": 1}):
        made = items_of(task, **design)
        assert TaskItems.from_json(json.loads(json.dumps(made.to_json()))) == made
