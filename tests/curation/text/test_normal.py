"""Normal forms: what a document looks like to everything downstream."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from odd_texts import ODD, odd_texts

from curation.text.normal import NormalForm, document_form, wording

FORMS: tuple[NormalForm, ...] = ("nfc", "none")


@pytest.mark.parametrize("form", FORMS)
@given(text=odd_texts())
@example(text="|".join(ODD))
def test_a_normal_form_is_its_own_normal_form(form: NormalForm, text: str) -> None:
    """A curated shard is a valid source of another run: reading it again must not change it."""
    once = document_form(text, form)
    assert document_form(once, form) == once


@pytest.mark.parametrize("form", FORMS)
@given(text=odd_texts())
@example(text="|".join(ODD))
def test_a_document_can_always_be_written_as_utf8(form: NormalForm, text: str) -> None:
    """One lone surrogate would stop the shard in which it stands."""
    document_form(text, form).encode("utf8")


@given(text=odd_texts())
@example(text="|".join(ODD))
def test_nfc_has_one_sort_of_newline_and_no_controls(text: str) -> None:
    found = document_form(text)
    assert not {"\r", "\u2028", "\u2029", "\ufeff", "\x00", "\x7f"} & set(found)
    assert all(char in "\n\t" or char > "\x1f" for char in found)
    assert unicodedata.is_normalized("NFC", found)


@given(text=odd_texts())
@example(text="|".join(ODD))
def test_none_changes_nothing_but_lone_surrogates(text: str) -> None:
    found = document_form(text, "none")
    assert len(found) == len(text)
    assert all(a == b or ("\ud800" <= b <= "\udfff" and a == "\ufffd") for a, b in zip(found, text, strict=True))


@pytest.mark.parametrize("text", ["ภาษาไทยไม่มีช่องว่าง ที่", "हिन्दी में स्वर चिह्न", "क्षत्रिय\u200d", "والعَرَبِيَّة", "🇰🇷👩\u200d👧"])
def test_marks_and_joiners_survive(text: str) -> None:
    """Without its marks Thai or Hindi is another text."""
    assert document_form(text) == unicodedata.normalize("NFC", text)
    assert wording(document_form(text)) == unicodedata.normalize("NFC", text)


def test_korean_letters_are_composed() -> None:
    """Files from a Mac hold conjoining letters; uncomposed they are nobody's duplicates, nor tokens."""
    assert document_form(unicodedata.normalize("NFD", "한국어")) == "한국어"
    assert document_form("a\r\nb\rc\u2028d") == "a\nb\nc\nd"


@given(text=odd_texts())
@example(text="|".join(ODD))
def test_wording_forgets_white_space_and_nothing_else(text: str) -> None:
    assert wording(text).split() == text.split()
    assert wording(wording(text)) == wording(text) == wording(f" \n{text}\t")
