"""Cuts and replacements against an oracle that keeps a mark for every character."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from curation.text.spans import apply, chars_left, united

LENGTH = 24
SPAN = st.tuples(st.integers(0, LENGTH), st.integers(0, LENGTH)).map(lambda pair: (min(pair), max(pair)))
CUTS = st.lists(SPAN, max_size=6)
REPLACEMENTS = st.lists(st.tuples(SPAN, st.sampled_from(["<>", "", "[x]"])).map(lambda r: (*r[0], r[1])), max_size=6)
TEXT = "abcdefghijklmnopqrstuvwx"


def _mask(cuts: list[tuple[int, int]]) -> list[bool]:
    return [any(start <= i < end for start, end in cuts) for i in range(LENGTH)]


def oracle(cuts: list[tuple[int, int]], replacements: list[tuple[int, int, str]]) -> str:
    """Character by character: cut ones vanish; of a replacement's others the first turns into the new text."""
    cut = _mask(cuts)
    owner: list[int | None] = [None] * LENGTH
    chosen: list[tuple[int, int, str]] = []
    for start, end, new in sorted(replacements, key=lambda r: (r[0], r[0] - r[1], r[2])):
        if start < end and not any(a < end and start < b for a, b, _ in chosen):
            owner[start:end] = [len(chosen)] * (end - start)
            chosen.append((start, end, new))
    result, made = "", set()
    for i, char in enumerate(TEXT):
        if cut[i]:
            continue
        who = owner[i]
        if who is None:
            result += char
        elif who not in made:
            made.add(who)
            result += chosen[who][2]
    return result


@given(cuts=CUTS)
def test_united_spans_cover_the_same_characters_and_lie_apart(cuts: list[tuple[int, int]]) -> None:
    one = united(cuts)
    assert _mask(one) == _mask(cuts)
    assert all(start < end for start, end in one)
    assert all(left[1] < right[0] for left, right in pairwise(one))
    assert united(one) == one


@given(cuts=CUTS)
def test_chars_left_is_the_length_after_the_cuts(cuts: list[tuple[int, int]]) -> None:
    """`nothing_left` is decided by this number before anything is cut."""
    assert chars_left(LENGTH, cuts) == _mask(cuts).count(False) == len(apply(TEXT, cuts, []))


@given(cuts=CUTS, replacements=REPLACEMENTS)
def test_cuts_and_replacements_are_those_of_the_oracle(
    cuts: list[tuple[int, int]], replacements: list[tuple[int, int, str]]
) -> None:
    """If this fails, personal information survives beside a cut, or text is lost behind one."""
    assert apply(TEXT, cuts, replacements) == oracle(cuts, replacements)


@given(cuts=CUTS, replacements=REPLACEMENTS, data=st.data())
def test_the_order_of_spans_is_of_no_account(
    cuts: list[tuple[int, int]], replacements: list[tuple[int, int, str]], data: st.DataObject
) -> None:
    """Spans of several annotators come in the order in which a policy names them."""
    other = apply(TEXT, data.draw(st.permutations(cuts)), data.draw(st.permutations(replacements)))
    assert other == apply(TEXT, cuts, replacements)


def test_nothing_to_do_leaves_the_text() -> None:
    assert apply("한국\U0001f600", [], []) == "한국\U0001f600"
    assert apply("", [], []) == ""
