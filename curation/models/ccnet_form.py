"""The normal form that language models are trained on and score: CCNet's, by one table look-up a code point.

Source: Wenzek et al. 2019, https://arxiv.org/abs/1911.00359, and
https://github.com/facebookresearch/cc_net/blob/main/cc_net/text_normalizer.py. As there: lower case, accents off, every digit
to 0 ("2019" to "0000"), Unicode punctuation to ASCII, control characters away. Unlike there:

- An accent is a mark on a Latin, Greek or Cyrillic letter. CCNet decomposes the line and drops every non-spacing mark, which
  takes vowels from Devanagari and Thai, the voicing from kana, and leaves Hangul in pieces.
- White space of any kind is one space; newlines stay, for they divide what is scored.
- The final sigma is a sigma.
"""

from __future__ import annotations

import sys
import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

VERSION = 1  # raise it when a text comes out differently: models are then trained anew
_REMOVED = 0xFFFFFFFF
_PUNCTUATION = {
    '"': "„”“«»」「《》",
    "'": "´’",
    ",": "，、",
    ".": "。",
    ":": "∶：",
    "?": "？",
    "!": "！",
    "(": "（",
    ")": "）",
    ";": "；",
    "-": "–━►",
    "~": "～",
    "<": "〈",
    ">": "〉",
    "[": "【",
    "]": "】",
    "%": "％",
}
_LONGER = {"—": " - ", "．": ". ", "…": "..."}
_SCRIPTS_WITH_ACCENTS = ("LATIN", "GREEK", "CYRILLIC")
_COMBINING_ACCENTS = range(0x300, 0x370)
_SURROGATES = range(0xD800, 0xE000)


def ccnet_form(text: str) -> str:
    """The text as language models see it, with its newlines."""
    for character, longer in _LONGER.items():
        text = text.replace(character, longer)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    mapped = _table()[codes]
    return str(mapped[mapped != _REMOVED].tobytes(), "utf-32-le")


@cache
def _table() -> npt.NDArray[np.uint32]:
    """What each code point becomes, shape (0x110000,)."""
    table = np.arange(sys.maxunicode + 1, dtype=np.uint32)
    for code in range(0x20000):  # beyond lie Han characters, private use and nothing
        table[code] = _mapped(code)
    for to, characters in _PUNCTUATION.items():
        table[[ord(character) for character in characters]] = ord(to)
    table[list(_COMBINING_ACCENTS)] = _REMOVED
    table[list(_SURROGATES)] = 0xFFFD
    table[ord("\n")] = ord("\n")
    return table


def _mapped(code: int) -> int:
    character = chr(code)
    if character.isspace():
        return ord(" ")
    if code < 0x20 or 0x7F <= code < 0xA0:
        return _REMOVED
    if unicodedata.category(character) == "Nd":
        return ord("0")
    return ord(_without_accent(character.lower())) if character.isalpha() else code


def _without_accent(lowered: str) -> str:
    """The letter under the accents; what lowers to several code points (the dotted I) is a letter with an accent too."""
    decomposed = unicodedata.normalize("NFD", lowered)
    base, marks = decomposed[0], decomposed[1:]
    accented = marks and all(unicodedata.category(mark) == "Mn" for mark in marks)
    if accented and unicodedata.name(base, "").startswith(_SCRIPTS_WITH_ACCENTS):
        lowered = base
    return "\u03c3" if lowered == "\u03c2" else lowered
