"""The class table against the Unicode tables of this Python. Every share, word and language rule rests on it."""

from __future__ import annotations

import random
import unicodedata

import pytest

from curation.text.code_points import classes

SAMPLE = sorted({*range(0x3000), *random.Random(0).sample(range(0x3000, 0x110000), 60_000), 0xD800, 0x10FFFF})
LETTERS = {"latin", "hangul", "han", "kana", "other_letter"}


def _allowed(point: int) -> set[str]:
    category = unicodedata.category(chr(point))
    match category[0]:
        case "L":
            return LETTERS
        case "M":
            return {"mark"}
        case "N":
            return {"digit"}
        case "P":
            return {"punctuation"}
        case "S":
            return {"symbol"}
        case "Z":
            return {"whitespace"}
    if category == "Cc":
        return {"newline" if point == 10 else "whitespace" if chr(point).isspace() else "control"}
    return {"control"} if category == "Cf" else {"other"}


def _class(char: str) -> str:
    return classes.NAMES[classes.table()[ord(char)]]


def test_the_table_has_one_class_for_every_code_point() -> None:
    table = classes.table()
    assert table.shape == (0x110000,)
    assert table.max() < len(classes.NAMES)


def test_classes_agree_with_unicode_categories() -> None:
    wrong = {hex(p): _class(chr(p)) for p in SAMPLE if _class(chr(p)) not in _allowed(p)}
    assert wrong == {}


@pytest.mark.parametrize(
    ("names", "class_", "below"),
    [
        (("LATIN SMALL LETTER", "LATIN CAPITAL LETTER"), "latin", 0x250),  # phonetic letters follow
        (("HANGUL", "HALFWIDTH HANGUL"), "hangul", 0x10000),
        (("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH"), "han", 0x30000),
        (("HIRAGANA LETTER", "KATAKANA LETTER", "HALFWIDTH KATAKANA LETTER"), "kana", 0x10000),
    ],
)
def test_letters_of_a_script_have_its_class(names: tuple[str, ...], class_: str, below: int) -> None:
    """A letter outside its script's ranges would make Korean text look less Korean."""
    named = ((p, unicodedata.name(chr(p), "")) for p in range(below) if unicodedata.category(chr(p))[0] == "L")
    wrong = {hex(p): name for p, name in named if name.startswith(names) and _class(chr(p)) != class_}
    assert wrong == {}


def test_some_characters_have_the_class_a_reader_expects() -> None:
    expected = {
        **dict.fromkeys("aéßñĀ", "latin"),
        **dict.fromkeys("한ㄱᄒ", "hangul"),
        **dict.fromkeys("漢々", "han"),
        **dict.fromkeys("かカー", "kana"),
        **dict.fromkeys("яαا", "other_letter"),
        **dict.fromkeys("7٣½", "digit"),
        **dict.fromkeys("\u0301\u093f\u0e31", "mark"),
        **dict.fromkeys(" \t\r\u00a0\u2028\u3000", "whitespace"),
        **dict.fromkeys("\x00\u200d\ufeff", "control"),
        **dict.fromkeys(".,。·“", "punctuation"),
        **dict.fromkeys("+€😀", "symbol"),
        **dict.fromkeys("\ud800\ue000\uffff", "other"),
        "\n": "newline",
    }
    assert {char: _class(char) for char in expected} == expected
