"""Shares of character classes and scripts: the make-up of a text, without any language model."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from curation.annotators.base import Annotator, Column, Scores
from curation.text.batch import Batch
from curation.text.code_points import classes

_SHARES = {
    "letter_share": classes.LETTERS,
    "latin_share": (classes.CODE["latin"],),
    "hangul_share": (classes.CODE["hangul"],),
    "han_share": (classes.CODE["han"],),
    "digit_share": (classes.CODE["digit"],),
    "punctuation_share": (classes.CODE["punctuation"],),
    "symbol_share": (classes.CODE["symbol"],),
    "white_share": classes.WHITE,
}


class CharClasses(Annotator):
    """Characters, and the share of each class among them (for letters: of each script)."""

    kind: Literal["char_classes"] = "char_classes"
    version: Literal[1] = 1

    columns: ClassVar = (
        Column("chars", unit="characters", type="int"),
        Column("letter_share", unit="share of characters", range=(0, 1)),
        *(Column(name, unit="share of characters", range=(0, 1)) for name in list(_SHARES)[1:4]),
        *(Column(name, unit="share of characters", range=(0, 1)) for name in list(_SHARES)[4:]),
    )
    examples: ClassVar = {
        "": (0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        "\ud55c\uad6d a1!": (6, 0.5, 1 / 6, 1 / 3, 0.0, 1 / 6, 1 / 6, 0.0, 1 / 6),
        "\u6f22+ ": (3, 1 / 3, 0.0, 0.0, 1 / 3, 0.0, 0.0, 1 / 3, 1 / 3),
    }

    def score(self, batch: Batch) -> Scores:
        chars = np.maximum(batch.chars, 1)
        shares = {name: batch.class_counts[:, list(codes)].sum(axis=1) / chars for name, codes in _SHARES.items()}
        return {"chars": batch.chars, **shares}
