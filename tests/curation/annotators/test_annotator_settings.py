"""What single annotators promise beyond the contract, and how a recipe's words become annotators."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.annotators.base import Annotator, Spans, rows_of
from curation.annotators.keywords import Keywords
from curation.annotators.pii import Pii
from curation.annotators.registry import make_all, make_annotator
from curation.annotators.repeated_lines import RepeatedLines
from curation.runtime.errors import ConfigError, LoamError
from curation.text.batch import Batch, batches


def _row(annotator: Annotator, text: str) -> tuple[object, ...]:
    return next(rows_of(annotator, annotator.score(Batch.of([text]))))


def test_a_keyword_of_two_lists_counts_for_both() -> None:
    """If the second list hid the first, a policy that cuts the first would leave its lines standing."""
    annotator = Keywords(lists={"a": ("Spam",), "b": ("spam", "ham")})
    assert _row(annotator, "one spam") == (2, 1000.0, [(0, 8, "a"), (0, 8, "b")])


def test_case_and_word_borders_of_keywords_are_settings() -> None:
    assert _row(Keywords(lists={"a": ("Spam",)}, ignore_case=False), "spam")[0] == 0
    assert _row(Keywords(lists={"a": ("spam",)}), "spammer")[0] == 0
    assert _row(Keywords(lists={"a": ("spam",)}, whole_words=False), "spammer")[0] == 1
    assert _row(Keywords(lists={"a": ("무단 전재",)}), "무단 전재를 금함")[0] == 1, "Korean particles follow directly"


@pytest.mark.parametrize("lists", [{}, {"a": []}, {"a": [" "]}])
def test_empty_keyword_lists_are_refused(lists: dict[str, list[str]]) -> None:
    """An empty keyword would hit everywhere."""
    with pytest.raises(ConfigError, match="list"):
        make_annotator({"kind": "keywords", "lists": lists}, (), "pass clean")


@given(lines=st.lists(st.sampled_from(["short", "a longer line", "한국어로 쓴 긴 줄입니다", ""]), max_size=8))
def test_cutting_repeated_lines_leaves_the_first_of_each(lines: list[str]) -> None:
    """The spans are cut without a further look: they must be whole lines, and never the first of them."""
    text = "\n".join([*lines, "the end"])
    spans = RepeatedLines().score(Batch.of([text]))["spans"]
    assert isinstance(spans, Spans)
    left = text
    for start, end, _ in reversed(spans.per_document()[0]):
        left = left[:start] + left[end:]
    every = text.split("\n")
    wanted = [line for place, line in enumerate(every) if len(line) < 10 or line not in every[:place]]
    assert left == "\n".join(wanted)


def test_an_unknown_entity_is_refused_with_the_known_ones() -> None:
    with pytest.raises(LoamError, match="Did you mean 'email'"):
        Pii(entities=("emial",)).what()


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown annotator 'gopher_word'. Did you mean 'gopher_words'"):
        make_annotator({"kind": "gopher_word"}, (), "pass clean")
    with pytest.raises(ConfigError, match="no kind"):
        make_annotator({}, (), "pass clean")


def test_two_annotators_of_one_label_are_refused() -> None:
    """Their scores would be written over each other."""
    twice = [{"kind": "char_classes"}, {"kind": "char_classes"}]
    with pytest.raises(ConfigError, match="Give one of them a name"):
        make_all(twice, (), "pass clean")
    named = make_all([twice[0], {"kind": "char_classes", "name": "again"}], (), "pass clean")
    assert list(named) == ["char_classes", "again"]


@pytest.mark.parametrize("name", ["../up", "a/b", "A", "with space", "-"])
def test_a_name_that_is_no_path_part_is_refused(name: str) -> None:
    """The name becomes a folder: `../up` would write outside the output folder."""
    with pytest.raises(ConfigError, match="name"):
        make_annotator({"kind": "char_classes", "name": name}, (), "pass clean")


def test_a_name_is_no_part_of_what_an_annotator_is() -> None:
    assert Keywords(name="mine").what() == Keywords().what()
    assert Keywords(ignore_case=False).what() != Keywords().what()


@given(texts=st.lists(st.text(max_size=30), max_size=12), limit=st.integers(1, 40))
def test_batches_are_bounded_and_lose_nothing(texts: list[str], limit: int) -> None:
    """Memory is bounded by characters, whatever the documents' lengths; one long document is a batch by itself."""
    made = list(batches(texts, limit))
    assert [text for batch in made for text in batch.texts] == texts
    assert all(len(batch) == 1 or batch.chars.sum() <= limit for batch in made)
