"""Recognising against learning: what each condition of `known_map` shows and asks, by models of a few lines."""

from __future__ import annotations

import json
import random

import pytest
from cells import BOS, KEY_TOKENS, VALUE_TOKENS, WORDS

from ablations.core.data.items import TaskItems
from ablations.prompts.tasks.control_map import ControlMap
from ablations.prompts.tasks.known_map import KnownMap
from ablations.prompts.tasks.map_task import MapTask
from ablations.prompts.tasks.registry import TASKS
from curation.sources.control_texts import FIXED_MAP

KNOWN = {WORDS[key]: WORDS[value] for key, value in FIXED_MAP.items()}
MADE = KnownMap.items(KNOWN, KEY_TOKENS, BOS, seed=1, n_items=200)
GROUPS = {(group.k, group.condition): group.items for group in MADE.groups}
at_eight = pytest.mark.parametrize("condition", ["gold", "permuted", "flipped", "nonce"])


def pairs_of(item):
    return list(zip(item.prompt[:-1:2], item.prompt[1:-1:2], strict=True))


def right(item):
    return item.choices[item.gold][0]


def share(items, answer):
    """How often somebody who answers by a rule is right."""
    return sum(answer(item) == right(item) for item in items) / len(items)


def by_heart(item):
    return KNOWN[item.prompt[-1]]


def by_context(item):
    return dict(pairs_of(item))[item.prompt[-1]]


def last_shown(item):
    return item.prompt[-2]


def test_groups_are_gold_alone_without_demonstrations_and_all_conditions_with_eight() -> None:
    assert set(GROUPS) == {(0, "gold"), *((8, c) for c in ("gold", "permuted", "flipped", "nonce"))}
    assert TaskItems.from_json(json.loads(json.dumps(MADE.to_json()))) == MADE


def test_one_who_knows_the_map_and_one_who_reads_the_context_are_told_apart() -> None:
    """The point of the task: each is right exactly where the other is wrong."""
    heart = {key: share(items, by_heart) for key, items in GROUPS.items()}
    assert heart == {(0, "gold"): 1, (8, "gold"): 1, (8, "permuted"): 1, (8, "flipped"): 0, (8, "nonce"): 0}
    context = {key: share(items, by_context) for key, items in GROUPS.items() if key[0]}
    assert context == {(8, "gold"): 1, (8, "permuted"): 0, (8, "flipped"): 1, (8, "nonce"): 1}


@at_eight
def test_a_habit_about_recent_words_is_never_right(condition) -> None:
    assert share(GROUPS[8, condition], last_shown) == 0


@at_eight
def test_eight_pairs_are_shown_twice_alike_and_one_of_them_but_the_last_is_asked(condition) -> None:
    for item in GROUPS[8, condition]:
        pairs = pairs_of(item)
        assert len(pairs) == 16
        assert set(pairs[:8]) == set(pairs[8:])
        assert len(dict(pairs)) == len({value for _, value in pairs}) == 8
        assert item.prompt[-1] in dict(pairs)
        assert item.prompt[-1] != pairs[-1][0]
        assert {value for _, value in pairs} == {choice[0] for choice in item.choices}


def test_flipped_asks_the_permuted_prompts_for_the_value_shown() -> None:
    for permuted, flipped in zip(GROUPS[8, "permuted"], GROUPS[8, "flipped"], strict=True):
        assert (permuted.id, permuted.prompt, permuted.choices) == (flipped.id, flipped.prompt, flipped.choices)
        assert permuted.gold != flipped.gold


def test_nonce_words_are_no_values_and_no_keys_of_the_prompt() -> None:
    for item in GROUPS[8, "nonce"]:
        words = {value for _, value in pairs_of(item)}
        assert not words & set(VALUE_TOKENS)
        assert not words & set(item.prompt[::2])


def test_mirrored_items_exchange_the_values_shown_under_gold_and_permuted() -> None:
    """So whatever a place does to the value that stands there cancels in permuted minus gold, pair by pair."""
    gold, permuted = GROUPS[8, "gold"], GROUPS[8, "permuted"]
    for i in range(0, 200, 2):
        assert gold[i].prompt[1:-1:2] == permuted[i + 1].prompt[1:-1:2]
        assert gold[i + 1].prompt[1:-1:2] == permuted[i].prompt[1:-1:2]
        assert right(gold[i]) == right(gold[i + 1]) == right(permuted[i]) == right(permuted[i + 1])
        assert gold[i].id.split(".")[0] == gold[i + 1].id.split(".")[0]


def test_without_demonstrations_no_question_is_asked_twice_in_a_pair() -> None:
    alone = GROUPS[0, "gold"]
    assert all(alone[i].prompt != alone[i + 1].prompt for i in range(0, 200, 2))


def test_fewer_items_are_the_first_of_more_and_the_order_of_the_map_does_not_matter() -> None:
    mixed = list(KNOWN.items())
    random.Random(0).shuffle(mixed)
    fewer = KnownMap.items(dict(mixed), KEY_TOKENS, BOS, seed=1, n_items=5)
    assert all(a.items == b.items[:5] for a, b in zip(fewer.groups, MADE.groups, strict=True))


@pytest.mark.parametrize(
    ("known", "nonces", "told"),
    [
        (dict(list(KNOWN.items())[:7]), KEY_TOKENS, "at least 8 keys"),
        (dict.fromkeys(KNOWN, VALUE_TOKENS[0]), KEY_TOKENS, "a value of their own"),
        (KNOWN, VALUE_TOKENS, "need 8 nonce words"),
    ],
)
def test_a_map_that_cannot_be_asked_is_refused(known, nonces, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        KnownMap.items(known, nonces, BOS, seed=1, n_items=2)


def test_fresh_maps_have_nonce_words_at_the_largest_k_when_there_are_any() -> None:
    plain = ControlMap.items(KEY_TOKENS, VALUE_TOKENS, BOS, seed=1, n_items=20)
    more = ControlMap.items(KEY_TOKENS, VALUE_TOKENS, BOS, seed=1, n_items=20, nonces=KEY_TOKENS)
    assert more.groups[:-1] == plain.groups  # the other conditions are what they were
    nonce, gold = more.groups[-1], next(g for g in plain.groups if (g.k, g.condition) == (8, "gold"))
    assert (nonce.k, nonce.condition) == (8, "nonce")
    for item, same in zip(nonce.items, gold.items, strict=True):
        assert (item.id, item.gold, item.prompt[::2]) == (same.id, same.gold, same.prompt[::2])
        assert not set(item.prompt[1:-1:2]) & ({*VALUE_TOKENS} | {*item.prompt[::2]})
        assert by_context(item) == right(item)


@pytest.mark.parametrize("kind", ["control_map", "known_map"])
def test_map_tasks_need_no_templates_and_show_a_sample(kind: str) -> None:
    cls = TASKS.classes()[kind]
    assert issubclass(cls, MapTask)
    cls.check()
    example = cls().example(cls.sample)
    assert example.prompt
    assert example.choices[example.gold].startswith(" ")
