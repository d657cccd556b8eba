"""All entities at once, as a pass uses them: finds apart, replacements that stay what they are."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from odd_texts import odd_texts

from curation.annotators.base import Spans
from curation.annotators.pii import Pii
from curation.pii.registry import ENTITIES
from curation.text.batch import Batch
from curation.text.spans import apply

PII = Pii()
EVERY = Pii(entities=tuple(ENTITIES.classes()))  # those that nobody looks for by default too
PIECES = (
    "010-1234-5678", "01012345678", "+82", "+1", "+44 20 7946 0958", "00", "02", "(02)", "1588-1234", "(212) 736-5000",
    "900101-1234567", "9001011234568", "4111-1111-1111-1111", "4111 1111 1111 1111", "203.248.252.2", "8.34.210.77",
    "2a00:1450:4001:81b::200e", "a@b.co", " ", ".", "-", "/", ":", ",", "1", "0", "12", "123", "1234", "전화", "tel ", "tel",
    "(", ")", "+", "v", "version ", "x", "@", "82", "44", "ip ", "://",
)  # fmt: skip
collisions = st.lists(
    st.one_of(st.sampled_from(PIECES), st.text(alphabet="0123456789+-. ()/:abx@", max_size=8)), max_size=8
).map("".join)


def _finds(text: str, annotator: Pii = PII) -> list[tuple[int, int, str]]:
    spans = annotator.score(Batch.of([text]))["spans"]
    assert isinstance(spans, Spans)
    return spans.per_document()[0]


def _replaced(text: str, annotator: Pii = PII) -> str:
    finds = _finds(text, annotator)
    return apply(text, [], [(s, e, annotator.chosen[kind].replacement(text[s:e])) for s, e, kind in finds])


def test_what_is_looked_for_by_default_is_known_and_found() -> None:
    """The default is a choice of the entities themselves; these five were it from the start, and recipes rest on them."""
    assert set(PII.entities) == {name for name, cls in ENTITIES.classes().items() if cls.by_default}
    assert {"credit_card", "email", "ip_address", "korean_registration_number", "phone"} <= set(PII.entities)
    assert list(PII.chosen) == list(PII.entities)


@given(text=st.one_of(collisions, odd_texts()))
@example(text="4111 1111 1111 1111+82a@b.co")
@example(text="4111-1111-1111-1111 010-1234-5678a@b.co")
@example(text="2a00:1450:4001:81b::200e/010-1234-5678")
@example(text="+10001 203.248.252.2전화")
@example(text="+44 02-123-4567 a@b.tel 0212345678")
def test_finds_of_all_entities_lie_apart_and_replacing_twice_is_replacing_once(text: str) -> None:
    """A curated shard is a source of the next pass; a replacement that grows or is eaten there would never come to rest."""
    finds = _finds(text, EVERY)
    assert all(left[1] <= right[0] for left, right in pairwise(finds))
    once = _replaced(text, EVERY)
    assert _replaced(once, EVERY) == once


@given(text=collisions)
def test_the_order_of_the_entities_changes_nothing(text: str) -> None:
    backwards = Pii(entities=tuple(reversed(EVERY.entities)))
    assert _finds(text, backwards) == _finds(text, EVERY)


def test_equal_values_become_equal_texts_wherever_they_stand() -> None:
    text = "010-1234-5678 / a@b.co / 203.248.252.2"
    first, second = _replaced(text), _replaced(f"전화 {text}\n\n9001011234568 {text}")
    assert second.count(first) == 2


def test_emails_of_real_corpora_are_found_as_often_as_they_were_counted() -> None:
    """Documents with an address by the data's README, whose counts were made by another program."""
    folder = Path(__file__).parents[4] / "shared" / "data" / "corpora"
    if not folder.exists():
        pytest.skip("the shared data is not on this machine")
    import io
    import json

    import zstandard

    email = PII.chosen["email"]
    for source, counted in {"books_ko": 31, "community_petitions_ko": 4, "qa_ko": 0, "code_py": 45}.items():
        with open(folder / f"{source}.jsonl.zst", "rb") as file:
            lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf8")
            found = sum(any(True for _ in email.find(json.loads(line)["text"])) for line in lines)
        assert found == counted, source
