"""Normal forms: of a document when it enters, and of a text when only its wording counts."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

VERSION = 1  # raise it when a normal form changes: everything downstream is then computed anew
_NEWLINES = re.compile("\r\n?|\x0b|\x0c|\u2028|\u2029")
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufeff]")
_SURROGATES = re.compile("[\ud800-\udfff]")

NormalForm = Literal["nfc", "none"]


def document_form(text: str, form: NormalForm = "nfc") -> str:
    """A document as the passes see it: composed (NFC), newlines as '\\n', without control characters.

    Lone surrogates, which no UTF-8 file can hold, become U+FFFD in every form.
    """
    if not text.isascii():
        text = _SURROGATES.sub("\ufffd", text)
    if form == "none":
        return text
    text = _UNWANTED.sub("", _NEWLINES.sub("\n", text))
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def wording(text: str) -> str:
    """The text with every run of white space as one space: two documents of one wording are exact duplicates."""
    return " ".join(text.split())
