"""FineWeb's line rules as values. Source: Penedo et al. 2024, https://arxiv.org/abs/2406.17557, section 3.6."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from curation.annotators.base import Annotator, Column, Scores
from curation.text.batch import Batch


class Fineweb(Annotator):
    """How much a text looks like a list: ends of lines, short lines, repeated lines, newlines per word.

    Blank lines are not counted. Given the same words the values are datatrove's; it drops texts without a line of characters, and
    here all their values are 0.

    Args:
        short_line_chars: lines of at most so many characters are short.
    """

    kind: Literal["fineweb"] = "fineweb"
    version: Literal[1] = 1
    short_line_chars: int = Field(default=30, ge=0)

    columns: ClassVar = (
        Column(
            "line_punct_ratio",
            unit="lines ending in terminal punctuation of any script, share of lines",
            range=(0, 1),
        ),
        Column("short_line_ratio", unit="share of lines", range=(0, 1)),
        Column("char_dup_ratio", unit="share of characters in lines that stood before", range=(0, 1)),
        Column("new_line_ratio", unit="newlines per word or run of symbols"),
    )
    examples: ClassVar = {
        "": (0.0, 0.0, 0.0, 0.0),
        "One line.\nno end\n\nOne line.": (2 / 3, 1.0, 9 / 24, 3 / 8),
        "\u4e2d\u6587\u3002": (1.0, 1.0, 0.0, 0.0),
    }

    def score(self, batch: Batch) -> Scores:
        _, _, _, lines, terminal, short, twice_chars = batch.line_sums(self.short_line_chars).T
        newlines = batch.newlines
        some_lines = np.maximum(lines, 1)
        return {
            "line_punct_ratio": terminal / some_lines,
            "short_line_ratio": short / some_lines,
            "char_dup_ratio": twice_chars / np.maximum(batch.chars - newlines, 1),
            "new_line_ratio": np.where(lines > 0, newlines / np.maximum(batch.words.tokens, 1), 0.0),
        }
