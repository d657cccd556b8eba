"""What CCNet's normalisation does to a text, and where ours leaves it alone."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from odd_texts import odd_texts

from curation.models.ccnet_form import ccnet_form

# CCNet's own table, https://github.com/facebookresearch/cc_net/blob/main/cc_net/text_normalizer.py, without its full-width 1,
# which is a digit by then
CCNET = {
    "，": ",", "。": ".", "、": ",", "„": '"', "”": '"', "“": '"', "«": '"', "»": '"', "」": '"', "「": '"', "《": '"',
    "》": '"', "´": "'", "∶": ":", "：": ":", "？": "?", "！": "!", "（": "(", "）": ")", "；": ";", "–": "-", "—": " - ",
    "．": ". ", "～": "~", "’": "'", "…": "...", "━": "-", "〈": "<", "〉": ">", "【": "[", "】": "]", "％": "%", "►": "-",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("In 2019, 3.14", "in 0000, 0.00"),
        ("٣٤ １２ ६", "00 00 0"),
        ("Éñü Ångström Ψυχή́ Ёлка", "enu angstrom ψυχη елка"),
        ("e\u0301", "e"),
        ("İstanbul ΣΑΣ", "istanbul σασ"),
        ("a\u00a0b\tc\u3000d", "a b c d"),
        ("a\x00b\x9fc\nd", "abc\nd"),
        ("\ud800", "\ufffd"),
    ],
)
def test_case_accents_digits_and_control_characters_go(text: str, expected: str) -> None:
    """One 0 for a whole number, as elsewhere, would make scores that CCNet's cut-offs do not fit."""
    assert ccnet_form(text) == expected


@pytest.mark.parametrize("character", CCNET)
def test_punctuation_becomes_what_ccnet_makes_of_it(character: str) -> None:
    assert ccnet_form(f"a{character}b") == f"a{CCNET[character]}b"


@pytest.mark.parametrize("text", ["한글은 조합된 채로 남는다", "ไม่มีที่นี่", "हिन्दी में", "ガギグ ぱ", "עִבְרִית", "اللُّغَة"])
def test_what_is_no_accent_stays(text: str) -> None:
    """CCNet takes vowels and voicing away here, and with an accent in the line leaves Hangul in pieces."""
    assert ccnet_form(f"{text} é") == f"{text} e"


@given(text=odd_texts())
def test_the_form_of_a_form_is_itself(text: str) -> None:
    once = ccnet_form(text)
    assert ccnet_form(once) == once


@given(text=odd_texts())
def test_no_digit_capital_or_separator_is_left(text: str) -> None:
    """A tab in a piece would split it when n-grams are counted."""
    found = ccnet_form(text)
    assert {c for c in found if c.isspace()} <= {" ", "\n"}
    assert {c for c in found if unicodedata.category(c) == "Nd"} <= {"0"}
    assert not {c for c in found if c.isascii() and c.isupper()}
    assert "\x00" not in found
    assert found.count("\n") == text.count("\n")
    found.encode("utf8")
