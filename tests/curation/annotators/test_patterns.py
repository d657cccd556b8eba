"""Patterns take what they say and nothing else, in time bounded by the text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.annotators.base import Spans
from curation.annotators.patterns import Patterns
from curation.runtime.config import build
from curation.runtime.errors import ConfigError
from curation.text.batch import Batch


def _spans(pattern: str, text: str) -> list[tuple[int, int, str]]:
    scores = Patterns(patterns={"p": pattern}).score(Batch.of([text]))
    spans = scores["spans"]
    assert isinstance(spans, Spans)
    return spans.per_document()[0]


@given(st.text("ab( )\n가é", max_size=60))
def test_spans_are_those_of_pythons_own_expressions(text: str) -> None:
    """Offsets in code points, not bytes: else a cut in Korean text would take half a sentence."""
    for pattern in (r"\([ a]*\)", "^a+$", "가+"):
        expected = [(*match.span(), "p") for match in re.finditer(pattern, text, re.MULTILINE)]
        assert _spans(pattern, text) == expected


def test_groups_take_the_wrapping_and_leave_what_is_wrapped() -> None:
    assert _spans(r"(\[\[)[^\]\n]*(\]\])", "가 [[나]] 다") == [(2, 4, "p"), (5, 7, "p")]


def test_a_group_that_took_no_part_is_no_span() -> None:
    assert _spans("x(a)?(b)", "xb") == [(1, 2, "p")]


def test_a_hostile_pattern_on_a_hostile_line_ends() -> None:
    """A pattern that backtracks would hold a worker for hours; the timeout of the suite would tell."""
    assert _spans("(?:a|aa)+b", "a" * 100_000) == []


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "missing )"),
        ("(?=a)", "invalid perl operator"),
        ("a*", "pattern 'p' matches the empty text"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(Patterns, {"patterns": {"p": pattern}}, "pass clean")
    assert message in str(caught.value)
