"""Texts as KorQuAD 1.0 compares them. Source: https://korquad.github.io/KorQuad%201.0/, its evaluation script."""

from __future__ import annotations

import string

BRACKETS_AND_QUOTES = "'\"《》<>〈〉()‘’"  # become spaces before other punctuation vanishes
TO_SPACES = str.maketrans(dict.fromkeys(BRACKETS_AND_QUOTES, " "))
TO_NOTHING = str.maketrans(dict.fromkeys(string.punctuation, None))


def normalised(text: str) -> str:
    """Quotes and brackets become spaces, ASCII punctuation vanishes, lower case, single spaces."""
    return " ".join(text.translate(TO_SPACES).lower().translate(TO_NOTHING).split())
