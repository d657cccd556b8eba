"""Few-shot tasks and the token items made of them."""

from __future__ import annotations

import json
import random
from typing import ClassVar

import pytest
from cells import BOS, KEY_TOKENS, VALUE_TOKENS
from hypothesis import given
from hypothesis import strategies as st

from ablations.core.items import TaskItems
from ablations.core.prompts import conditions, derangement, ranked, split, task_items
from ablations.core.tasks.base import TASKS, Example, FewShotTask
from ablations.core.tasks.control_map import ControlMap

CLASSES = TASKS.classes()
every_task = pytest.mark.parametrize("task", [cls() for cls in CLASSES.values()], ids=CLASSES)


class Capital(FewShotTask):
    kind: ClassVar[str] = "capital"
    version: ClassVar[int] = 1
    sample: ClassVar = {"of": "a", "is": "b"}
    shots: ClassVar = (0, 1, 2, 4)

    def example(self, row):
        return Example(f"{row['of']}:", (f" {row['is']}", " x"), 0)


class Mood(FewShotTask):
    kind: ClassVar[str] = "mood"
    version: ClassVar[int] = 1
    sample: ClassVar = {"text": "a", "label": 0}
    shots: ClassVar = (0, 1, 3)
    instruction: ClassVar = "mood?"

    def example(self, row):
        return Example(f"{row['text']} =", (" bad", " good"), row["label"])


POOL = [{"of": f"land{i}", "is": f"town{i}"} for i in range(12)]
QUERIES = [{"of": f"isle{i}", "is": f"port{i}"} for i in range(3)]


def by_letter(text):
    return [ord(c) for c in text]


def text_of(tokens):
    return "".join(map(chr, tokens))


def items_of(task=None, pool=POOL, queries=QUERIES, encode=by_letter, context=1000, draws=2):
    return task_items(task or Capital(), pool, queries, encode, 1, context, draws)


@every_task
def test_a_task_turns_its_sample_into_an_example(task):
    example = task.example(task.sample)
    assert example.choices
    assert 0 <= example.gold < len(example.choices)
    assert task.example(task.sample) == example
    assert task.version >= 1
    assert tuple(sorted(set(task.shots))) == task.shots


@given(st.integers(2, 40), st.integers())
def test_a_derangement_leaves_nothing_in_its_place(n, seed):
    order = derangement(n, random.Random(seed))
    assert sorted(order) == list(range(n))
    assert all(a != b for a, b in enumerate(order))


def test_one_thing_cannot_be_deranged():
    with pytest.raises(ValueError, match="at least 2"):
        derangement(1, random.Random(0))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers())
def test_permuted_labels_are_consistent_and_never_the_gold_ones(labels, seed):
    demos = [Example(f"q{i}", (f" a{label}", " other"), 0) for i, label in enumerate(labels)]
    made = conditions(demos, len(demos), seed)
    if len({demo.choices for demo in demos}) > 1:
        other = dict(zip(made["gold"], made["permuted"], strict=True))
        assert [other[answer] for answer in made["gold"]] == made["permuted"]
        assert all(a != b for a, b in other.items())
        assert set(other.values()) == set(other)


def test_labels_of_a_classification_are_swapped_for_all_demos_alike():
    demos = [Example("a", (" bad", " good"), 0), Example("b", (" bad", " good"), 0)]
    assert conditions(demos, 2, 1) == {"gold": [" bad", " bad"], "permuted": [" good", " good"]}
    assert conditions([Example("a", (" x",), 0)], 1, 1) == {"gold": [" x"]}
    assert conditions(demos, 0, 1) == {"gold": []}


@given(st.sets(st.text(min_size=1), min_size=3), st.integers(0, 9))
def test_an_added_row_changes_no_other_rank(ids, draw):
    rows = sorted(ids)
    assert [row for row in ranked("t", draw, rows) if row != rows[0]] == ranked("t", draw, rows[1:])


def test_demos_nest_and_do_not_depend_on_the_queries_asked():
    more, fewer = items_of(), items_of(queries=QUERIES[:1])
    for one, other in zip(more.groups, fewer.groups, strict=True):
        assert text_of([*one.prefix[1:], *one.items[0].prompt]) == text_of([*other.prefix[1:], *other.items[0].prompt])
    texts = {g.k: text_of(g.prefix[1:]) for g in more.groups if g.draw == 0 and g.condition == "gold"}
    assert texts[2].startswith(texts[1].removesuffix("isle").rstrip("\n"))
    assert len(texts[4]) > len(texts[2])


def test_the_pieces_put_together_are_the_prompt_that_a_reader_expects():
    group = next(
        g for g in items_of(Mood(), [{"text": t, "label": 1} for t in "abc"], [{"text": "q", "label": 0}]).groups
    )
    assert (group.k, group.condition, group.draw) == (0, "gold", 0)
    assert text_of([*group.prefix[1:], *group.items[0].prompt]) == "mood?\n\nq ="
    assert [text_of(choice) for choice in group.items[0].choices] == [" bad", " good"]


def test_every_k_draw_and_condition_is_there_once():
    found = [(g.k, g.condition, g.draw) for g in items_of().groups]
    assert sorted(found) == sorted(
        [(0, "gold", 0)]
        + [(1, "gold", d) for d in (0, 1)]
        + [(k, c, d) for k in (2, 4) for c in ("gold", "permuted") for d in (0, 1)]
    )


def test_a_query_is_never_among_its_demos():
    made = items_of(pool=POOL + QUERIES)
    assert made.counts["pool_rows_left_out"] == 3
    assert made.groups == items_of().groups


def test_a_piece_across_the_border_stays_with_the_answer_and_is_counted():
    def encode(text):  # ": " is one piece
        return [ord(c) for c in text.replace(": ", "§")]

    prompt, choices, crossed = split("a:", (" b", " c"), encode)
    assert crossed
    assert text_of(prompt) == "a"
    assert [text_of(c) for c in choices] == ["§b", "§c"]
    assert items_of(encode=encode).counts["border_crossings"] > 0
    assert items_of().counts["border_crossings"] == 0


def test_choices_that_begin_alike_share_no_part_of_their_answer_with_the_prompt():
    prompt, choices, crossed = split("a:", (" bx", " by"), by_letter)
    assert text_of(prompt) == "a:"
    assert [text_of(c) for c in choices] == [" bx", " by"]
    assert not crossed


def test_an_item_that_does_not_fit_is_counted_and_says_so():
    made = items_of(context=30)
    unfit = [item for group in made.groups for item in group.items if not item.fits]
    assert len(unfit) == made.counts["too_long"] > 0


def test_a_pool_smaller_than_k_is_refused():
    with pytest.raises(ValueError, match="capital: 3 pool rows are fewer than 4 demos"):
        items_of(pool=POOL[:3])


def test_items_survive_their_file():
    made = items_of()
    assert TaskItems.from_json(json.loads(json.dumps(made.to_json()))) == made


CONTROL = ControlMap.items(KEY_TOKENS, VALUE_TOKENS, BOS, seed=1, n_items=40)
GROUPS = {(g.k, g.condition): g for g in CONTROL.groups}


def test_the_control_map_has_gold_at_every_k_and_permuted_from_two():
    assert set(GROUPS) == {(k, "gold") for k in (0, 1, 2, 4, 8)} | {(k, "permuted") for k in (2, 4, 8)}


@pytest.mark.parametrize("k", [1, 2, 4, 8])
def test_a_control_map_is_shown_twice_and_its_query_is_a_shown_key_but_not_the_last(k):
    for item in GROUPS[k, "gold"].items:
        pairs = list(zip(item.prompt[:-1:2], item.prompt[1:-1:2], strict=True))
        assert len(pairs) == 2 * k
        assert set(pairs[:k]) == set(pairs[k:])
        assert len(dict(pairs)) == k
        assert dict(pairs)[item.prompt[-1]] == item.choices[item.gold][0]
        assert k == 1 or item.prompt[-1] != pairs[-1][0]
        assert len(set(item.choices)) == 8


@pytest.mark.parametrize("k", [2, 4, 8])
def test_permuted_control_maps_are_deranged_alike_in_both_rounds(k):
    for gold, permuted in zip(GROUPS[k, "gold"].items, GROUPS[k, "permuted"].items, strict=True):
        assert (gold.id, gold.gold, gold.choices) == (permuted.id, permuted.gold, permuted.choices)
        assert gold.prompt[::2] == permuted.prompt[::2]
        true = dict(zip(gold.prompt[:-1:2], gold.prompt[1:-1:2], strict=True))
        shown = dict(zip(permuted.prompt[:-1:2], permuted.prompt[1:-1:2], strict=True))
        assert all(true[key] != shown[key] for key in true)
        assert sorted(true.values()) == sorted(shown.values())
        assert [shown[key] for key in permuted.prompt[:-1:2]] == list(permuted.prompt[1:-1:2])


def test_control_maps_nest_in_k_and_in_number():
    for two, eight in zip(GROUPS[2, "gold"].items[::2], GROUPS[8, "gold"].items[::2], strict=True):
        assert two.prompt[:4] == eight.prompt[:4]
        assert two.choices == eight.choices
    fewer = ControlMap.items(KEY_TOKENS, VALUE_TOKENS, BOS, seed=1, n_items=5)
    assert all(a.items == b.items[:5] for a, b in zip(fewer.groups, CONTROL.groups, strict=True))


@pytest.mark.parametrize("k", [2, 4, 8])
def test_mirrored_items_swap_gold_and_permuted(k):
    """So a context's effect on all values alike cancels; else the null controls would need many more items."""
    gold, permuted = GROUPS[k, "gold"].items, GROUPS[k, "permuted"].items
    for i in range(0, 40, 2):
        assert gold[i].prompt == permuted[i + 1].prompt
        assert gold[i + 1].prompt == permuted[i].prompt
        assert gold[i].gold != gold[i + 1].gold


@pytest.mark.parametrize("k", [4, 8])
@pytest.mark.parametrize("condition", ["gold", "permuted"])
def test_the_asked_value_is_never_the_last_shown(k, condition):
    """Else a habit about recent words looks like use of the map."""
    for item in GROUPS[k, condition].items:
        assert item.prompt[-2] != item.choices[item.gold][0]


def test_separators_stand_where_the_text_has_them():
    made = ControlMap.items(KEY_TOKENS, VALUE_TOKENS, BOS, 1, 1, after_key=(200,), after_pair=(201, 202))
    prompt = next(g for g in made.groups if g.k == 1).items[0].prompt
    assert len(prompt) == 12
    assert prompt[1] == prompt[-1] == 200
    assert prompt[3:5] == (201, 202)


def test_a_token_that_is_key_and_value_is_refused():
    with pytest.raises(ValueError, match="need 8 keys and 8 other values"):
        ControlMap.items(KEY_TOKENS, KEY_TOKENS, BOS, 1, 1)
