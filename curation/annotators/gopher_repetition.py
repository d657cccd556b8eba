"""Gopher's repetition rules as values. Source: Rae et al. 2021, https://arxiv.org/abs/2112.11446, table A1."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from curation.annotators.base import Annotator, Column, Scores
from curation.text.batch import Batch
from curation.text.kernels.lines import sum_paragraphs

TOP = (2, 3, 4)
REPEATED = (5, 6, 7, 8, 9, 10)
NGRAMS = (*(f"top_{n}gram_char_share" for n in TOP), *(f"dup_{n}gram_char_share" for n in REPEATED))


class GopherRepetition(Annotator):
    """Shares of lines, paragraphs and word n-grams that a document repeats; given the same words they are datatrove's.

    A line or paragraph counts when it occurred before. The n-gram columns give the characters of the most frequent 2-, 3- or 4-gram
    times its occurrences (spaces between its words included; more than 1 is possible), and those of the 5- to 10-grams that
    occurred before, without spaces. All are divided by the characters of the text.
    """

    kind: Literal["gopher_repetition"] = "gopher_repetition"
    version: Literal[1] = 1

    columns: ClassVar = (
        Column("dup_line_share", unit="share of lines", range=(0, 1)),
        Column("dup_line_char_share", unit="share of characters", range=(0, 1)),
        Column("dup_paragraph_share", unit="share of paragraphs", range=(0, 1)),
        Column("dup_paragraph_char_share", unit="share of characters", range=(0, 1)),
        *(Column(name, unit="characters per character of the text") for name in NGRAMS),
    )
    examples: ClassVar = {
        "": (0.0,) * 13,
        "one two\none two\n\nthree": (1 / 3, 7 / 22, 0.0, 0.0, 14 / 22, 11 / 22, 15 / 22, *(0.0,) * 6),
        "yes\n\nyes\n\nyes": (2 / 3, 6 / 13, 2 / 3, 6 / 13, 14 / 13, 11 / 13, *(0.0,) * 7),
    }

    def score(self, batch: Batch) -> Scores:
        chars = np.maximum(batch.chars, 1)
        parts, twice, twice_chars = batch.line_sums(30)[:, :3].T
        lines = batch.lines
        paragraphs, again, again_chars = sum_paragraphs(
            batch.codes, batch.traits, batch.bounds, lines.start, lines.end, batch.line_hashes, lines.offsets
        ).T
        return {
            "dup_line_share": twice / np.maximum(parts, 1),
            "dup_line_char_share": twice_chars / chars,
            "dup_paragraph_share": again / np.maximum(paragraphs, 1),
            "dup_paragraph_char_share": again_chars / chars,
            **{name: batch.ngram_chars[:, i] / chars for i, name in enumerate(NGRAMS)},
        }
