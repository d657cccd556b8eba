"""What is true of every entity of personal information, now and later."""

from __future__ import annotations

import pytest
from hypothesis import given
from odd_texts import odd_texts

from curation.pii.base import Entity
from curation.pii.registry import ENTITIES
from curation.text.spans import apply

MADE = {name: cls() for name, cls in ENTITIES.classes().items()}
every_entity = pytest.mark.parametrize("entity", MADE.values(), ids=MADE)
HOSTILE = {
    "one letter": "a" * 200_000,
    "letters and ats": "a@" * 100_000,
    "letters and dots": "a." * 100_000 + "@",
    "almost addresses": "a@b." * 50_000,
    "dots before an at": "." * 200_000 + "@b.co",
    "a long domain": "a@" + "b-" * 100_000,
    "many labels": "a@" + "b." * 100_000,
    "signs": "%+-_" * 50_000 + "@",
    "digits": "0123456789-" * 20_000,
    "one long number": "4" * 200_000,
    "separated digits": "1 2-3.4 " * 25_000,
    "plus signs": "+1-" * 70_000,
    "country codes": "+44 20 7946 " * 17_000,
    "phone numbers": "010-1234-5678 " * 15_000,
    "brackets": "((((" * 50_000 + "02)123-4567",
    "octets": "1.2.3." * 33_000,
    "colons": "2001:" * 40_000,
    "emoji": "\U0001f44d\U0001f3fd" * 100_000,
}


def _replaced(entity: Entity, text: str) -> str:
    return apply(text, [], [(s, e, entity.replacement(text[s:e])) for s, e in entity.find(text)])


@every_entity
def test_examples_in_the_file_come_true(entity: Entity) -> None:
    assert any(text != wanted for text, wanted in entity.examples.items()), "show a text that is changed"
    assert any(text == wanted for text, wanted in entity.examples.items()), "show a text that is left alone"
    assert {text: _replaced(entity, text) for text in entity.examples} == dict(entity.examples)


@every_entity
@given(text=odd_texts())
def test_finds_lie_inside_the_text_in_order_and_apart(entity: Entity, text: str) -> None:
    """Overlapping finds would be counted twice and replaced once."""
    at = 0
    for start, end in entity.find(text):
        assert at <= start < end <= len(text)
        at = end


@every_entity
def test_a_replacement_depends_on_the_value_alone(entity: Entity) -> None:
    """Otherwise equal documents differ after replacement, and a second run differs from the first."""
    fresh = type(entity)
    for text in entity.examples:
        for start, end in entity.find(text):
            value = text[start:end]
            assert entity.replacement(value) == fresh().replacement(value)


@every_entity
def test_replacing_twice_changes_nothing(entity: Entity) -> None:
    """A curated shard is a valid source of another run."""
    for wanted in entity.examples.values():
        assert _replaced(entity, wanted) == wanted


@every_entity
@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_searched_in_little_time(entity: Entity, text: str) -> None:
    """One line of a crawl must not stop a worker for hours; the timeout is the test."""
    assert sum(1 for _ in entity.find(text)) <= len(text)


def test_addresses_are_found_where_they_stand() -> None:
    entity = MADE["email"]
    found = {
        "a@b.co": ["a@b.co"],
        "<first.last@sub.example.org>,x": ["first.last@sub.example.org"],
        "문의:kim_1@daum.net입니다": ["kim_1@daum.net"],
        "a@b": [],
        "a@b.c1": [],
        "a..b@c.de": ["b@c.de"],
        "@a.de": [],
        "x@-a.de": [],
        "one@a.de,two@b.fr": ["one@a.de", "two@b.fr"],
    }
    assert {text: [text[s:e] for s, e in entity.find(text)] for text in found} == found
