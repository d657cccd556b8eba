"""Questions that are counted because their scores mean less."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from letter_encoder import Capital, Copy, Letters, Mood, asked, items_of

from ablations.prompts.odd_questions import NEAR, NGRAM, longer_than, near_copies, with_equal_choices

TEXTS = st.lists(st.text("ab ", max_size=14), max_size=5)


def grams(text: str) -> set[str]:
    return {text[start : start + NGRAM] for start in range(len(text) - NGRAM + 1)}


@given(TEXTS, TEXTS)
def test_near_copies_are_those_of_a_slow_comparison(queries: list[str], shown: list[str]) -> None:
    slow = 0
    for query in queries:
        pairs = [(grams(query), grams(text)) for text in shown]
        slow += query in shown or any(a & b and len(a & b) >= NEAR * len(a | b) for a, b in pairs)
    assert near_copies(queries, shown) == slow


def test_a_question_whose_near_copy_is_shown_is_counted_in_its_task() -> None:
    pool = [{"text": "the film was long and dull", "label": 0}, {"text": "something else altogether", "label": 1}]
    queries = [{"text": "the film was long and dull!", "label": 0}, {"text": "a song of summer", "label": 1}]
    made = items_of(Mood(), pool, queries, shots=(0, 2))
    assert made.counts["near_copies"] == 1


def test_rows_that_offer_one_choice_twice_are_counted() -> None:
    rows = [{"of": "a", "is": "x", "label": 0}, {"of": "b", "is": "y", "label": 0}]
    assert with_equal_choices(asked(Capital(), rows)) == 1


def test_references_are_long_when_none_of_them_fits() -> None:
    rows = [{"text": "a", "said": ["longer than that", "short"]}, {"text": "b", "said": ["longer than that"]}]
    assert longer_than(7, asked(Copy(), rows), Letters()) == 1
    assert longer_than(4, asked(Copy(), rows), Letters()) == 2


def test_short_texts_are_near_copies_when_they_are_equal() -> None:
    assert near_copies(["yes", "no", "a longer text"], ["no", "a longer one"]) == 1
    assert near_copies(["yes"], ["yes!"]) == 0
    assert near_copies([], ["yes"]) == near_copies(["yes"], []) == 0
