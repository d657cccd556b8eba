"""The only definition of code-point classes: every code point of Unicode has exactly one."""

from __future__ import annotations

import sys
import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

NAMES = (
    "other",  # unassigned, private, surrogates
    "control",
    "whitespace",
    "newline",
    "digit",
    "latin",
    "hangul",
    "han",
    "kana",
    "other_letter",
    "mark",
    "punctuation",
    "symbol",
)
CODE = {name: code for code, name in enumerate(NAMES)}
LETTERS = tuple(CODE[name] for name in ("latin", "hangul", "han", "kana", "other_letter", "mark"))
ALPHANUMERIC = (*LETTERS, CODE["digit"])
WHITE = (CODE["whitespace"], CODE["newline"])
_SCRIPTS = {
    "hangul": ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xFFA0, 0xFFDC)),
    "han": (
        (0x2E80, 0x2FDF),
        (0x3005, 0x3007),
        (0x3400, 0x4DBF),
        (0x4E00, 0x9FFF),
        (0xF900, 0xFAFF),
        (0x20000, 0x3FFFF),
    ),
    "kana": ((0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F), (0x1B000, 0x1B16F)),
    "latin": (
        *((0x0041, 0x024F), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xA720, 0xA7FF), (0xAB30, 0xAB6F)),
        *((0xFB00, 0xFB06), (0xFF21, 0xFF5A)),
    ),
}
_ASSIGNED = ((0, 0x33FFF), (0xE0000, 0xE0FFF))  # every other plane is unassigned or private: "other"
_BY_CATEGORY = {"N": "digit", "M": "mark", "P": "punctuation", "S": "symbol", "Z": "whitespace"}


@cache
def table() -> npt.NDArray[np.uint8]:
    """Class of every code point, shape (0x110000,), made once a process from this Python's Unicode tables."""
    classes = np.zeros(sys.maxunicode + 1, np.uint8)
    for first, last in _ASSIGNED:
        classes[first : last + 1] = np.fromiter(map(_class_of, range(first, last + 1)), np.uint8)
    for script, ranges in _SCRIPTS.items():
        for first, last in ranges:
            part = classes[first : last + 1]
            part[part == CODE["other_letter"]] = CODE[script]
    return classes


def _class_of(point: int) -> int:
    category = unicodedata.category(chr(point))
    if point == 0x0A:
        return CODE["newline"]
    if category == "Cc":
        return CODE["whitespace"] if chr(point).isspace() else CODE["control"]
    if category == "Cf":
        return CODE["control"]
    if category.startswith("L"):
        return CODE["other_letter"]
    return CODE[_BY_CATEGORY.get(category[0], "other")]
