"""What demonstrations show in the place of their labels."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.prompts.tasks.base import Example
from ablations.prompts.tasks.conditions import (
    ASKED,
    HANGUL_NONCE,
    LATIN_NONCE,
    Condition,
    conditions,
    derangement,
    labels_of,
    nonce_words,
)

SHARED = (" a", " b", " c")


def shown(demos: list[Example], shared: tuple[str, ...] = (), seed: int = 0) -> dict[str, Condition]:
    return {each.name: each for each in conditions(demos, shared, ASKED, seed)}


@given(st.integers(2, 40), st.integers())
def test_a_derangement_leaves_nothing_in_its_place(n: int, seed: int) -> None:
    order = derangement(n, random.Random(seed))
    assert sorted(order) == list(range(n))
    assert all(a != b for a, b in enumerate(order))


def test_one_thing_cannot_be_deranged() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        derangement(1, random.Random(0))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(0, 99))
def test_answers_of_the_rows_own_are_permuted_consistently(labels: list[int], seed: int) -> None:
    demos = [Example(f"q{i}", (f" a{label}", " other"), 0) for i, label in enumerate(labels)]
    made = shown(demos, seed=seed)
    assert set(made) == ({"gold", "permuted"} if len(set(labels)) > 1 else {"gold"})
    if "permuted" in made:
        other = dict(zip(made["gold"].answers, made["permuted"].answers, strict=True))
        assert tuple(other[answer] for answer in made["gold"].answers) == made["permuted"].answers
        assert all(a != b for a, b in other.items())
        assert set(other.values()) == set(other)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=9), st.integers(0, 99))
def test_shared_labels_change_alike_in_all_demonstrations_and_questions(labels: list[int], seed: int) -> None:
    """Permuted demonstrations must show each label under one other name, or they would only be noise."""
    demos = [Example(f"q{i}", SHARED, label) for i, label in enumerate(labels)]
    made = shown(demos, SHARED, seed)
    assert list(made) == list(ASKED)
    whole = shown([Example("q", SHARED, label) for label in range(3)], SHARED, seed)
    for name in ASKED:
        assert made[name].answers == tuple(whole[name].answers[label] for label in labels), "the same for every k"
    assert made["flipped"].answers == made["permuted"].answers
    for label, demo in zip(labels, demos, strict=True):
        asked = made["flipped"].asked(demo)
        assert asked.choices[asked.gold] == whole["permuted"].answers[label] != SHARED[label]
        assert made["permuted"].asked(demo) == made["gold"].asked(demo) == demo
    assert made["nonce"].asked(demos[0]).choices == whole["nonce"].answers
    assert labels_of(demos, made["nonce"]) == labels_of(demos, made["gold"]) == tuple(labels)


def test_without_demonstrations_there_is_nothing_to_permute() -> None:
    assert list(shown([], SHARED)) == ["gold"]


def test_made_up_words_are_in_the_labels_script_and_begin_with_their_space() -> None:
    assert set(nonce_words((" 긍정", " 부정"), 1)) <= {f" {word}" for word in HANGUL_NONCE}
    assert set(nonce_words(("yes", "no"), 1)) <= set(LATIN_NONCE)
    assert len({nonce_words((" yes", " no"), seed) for seed in range(20)}) > 10, "every draw has its own"
    assert len({*HANGUL_NONCE, *LATIN_NONCE}) == 32
    with pytest.raises(ValueError, match="17 choices, and 16 made-up words"):
        nonce_words([f" {n}" for n in range(17)], 0)


def test_an_answer_that_is_no_choice_of_its_row_has_no_number() -> None:
    demos = [Example("a", (" x", " y"), 0), Example("b", (" y", " z"), 0)]
    assert labels_of(demos, shown(demos)["permuted"]) == (1, -1)
