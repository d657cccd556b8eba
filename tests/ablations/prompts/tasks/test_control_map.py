"""The probe of fresh maps: what its items show, and that nothing but the use of the map is left in their differences."""

from __future__ import annotations

import pytest
from cells import BOS, KEY_TOKENS, VALUE_TOKENS

from ablations.prompts.tasks.control_map import ControlMap

CONTROL = ControlMap.items(KEY_TOKENS, VALUE_TOKENS, BOS, seed=1, n_items=40)
GROUPS = {(g.k, g.condition): g for g in CONTROL.groups}


def test_the_control_map_has_gold_at_every_k_and_permuted_from_two() -> None:
    assert set(GROUPS) == {(k, "gold") for k in (0, 1, 2, 4, 8)} | {(k, "permuted") for k in (2, 4, 8)}


@pytest.mark.parametrize("k", [1, 2, 4, 8])
def test_a_control_map_is_shown_twice_and_its_query_is_a_shown_key_but_not_the_last(k: int) -> None:
    for item in GROUPS[k, "gold"].items:
        pairs = list(zip(item.prompt[:-1:2], item.prompt[1:-1:2], strict=True))
        assert len(pairs) == 2 * k
        assert set(pairs[:k]) == set(pairs[k:])
        assert len(dict(pairs)) == k
        assert dict(pairs)[item.prompt[-1]] == item.choices[item.gold][0]
        assert k == 1 or item.prompt[-1] != pairs[-1][0]
        assert len(set(item.choices)) == 8


@pytest.mark.parametrize("k", [2, 4, 8])
def test_permuted_control_maps_are_deranged_alike_in_both_rounds(k: int) -> None:
    for gold, permuted in zip(GROUPS[k, "gold"].items, GROUPS[k, "permuted"].items, strict=True):
        assert (gold.id, gold.gold, gold.choices) == (permuted.id, permuted.gold, permuted.choices)
        assert gold.prompt[::2] == permuted.prompt[::2]
        true = dict(zip(gold.prompt[:-1:2], gold.prompt[1:-1:2], strict=True))
        shown = dict(zip(permuted.prompt[:-1:2], permuted.prompt[1:-1:2], strict=True))
        assert all(true[key] != shown[key] for key in true)
        assert sorted(true.values()) == sorted(shown.values())
        assert [shown[key] for key in permuted.prompt[:-1:2]] == list(permuted.prompt[1:-1:2])


def test_control_maps_nest_in_k_and_in_number() -> None:
    for two, eight in zip(GROUPS[2, "gold"].items[::2], GROUPS[8, "gold"].items[::2], strict=True):
        assert two.prompt[:4] == eight.prompt[:4]
        assert two.choices == eight.choices
    fewer = ControlMap.items(KEY_TOKENS, VALUE_TOKENS, BOS, seed=1, n_items=5)
    assert all(a.items == b.items[:5] for a, b in zip(fewer.groups, CONTROL.groups, strict=True))


@pytest.mark.parametrize("k", [2, 4, 8])
def test_mirrored_items_swap_gold_and_permuted(k: int) -> None:
    """So a context's effect on all values alike cancels; else the null controls would need many more items."""
    gold, permuted = GROUPS[k, "gold"].items, GROUPS[k, "permuted"].items
    for i in range(0, 40, 2):
        assert gold[i].prompt == permuted[i + 1].prompt
        assert gold[i + 1].prompt == permuted[i].prompt
        assert gold[i].gold != gold[i + 1].gold


@pytest.mark.parametrize("k", [4, 8])
@pytest.mark.parametrize("condition", ["gold", "permuted"])
def test_the_asked_value_is_never_the_last_shown(k: int, condition: str) -> None:
    """Else a habit about recent words looks like use of the map."""
    for item in GROUPS[k, condition].items:
        assert item.prompt[-2] != item.choices[item.gold][0]


def test_separators_stand_where_the_text_has_them() -> None:
    made = ControlMap.items(KEY_TOKENS, VALUE_TOKENS, BOS, 1, 1, after_key=(200,), after_pair=(201, 202))
    prompt = next(g for g in made.groups if g.k == 1).items[0].prompt
    assert len(prompt) == 12
    assert prompt[1] == prompt[-1] == 200
    assert prompt[3:5] == (201, 202)


def test_a_token_that_is_key_and_value_is_refused() -> None:
    with pytest.raises(ValueError, match="need 8 keys and 8 other values"):
        ControlMap.items(KEY_TOKENS, KEY_TOKENS, BOS, 1, 1)
