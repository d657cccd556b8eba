"""Gopher's word rules as values. Source: Rae et al. 2021, https://arxiv.org/abs/2112.11446, appendix A1.1."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from curation.annotators.base import Annotator, Column, Scores
from curation.text.batch import Batch, hash_word
from curation.text.kernels.lines import count_signs
from curation.text.kernels.word_sums import sum_words

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")


class GopherWords(Annotator):
    """Word counts and ratios of Gopher's quality filter; given the same words they are datatrove's.

    "Words" are those that are more than punctuation; "words and runs of symbols" are all.
    """

    kind: Literal["gopher_words"] = "gopher_words"
    version: Literal[2] = 2  # raise it when a value changes: old scores then stop being reused
    stop_words: tuple[str, ...] = STOP_WORDS

    columns: ClassVar = (
        Column("words", unit="words", type="int"),
        Column("mean_word_chars", unit="characters per word"),
        Column("hash_per_word", unit="'#' per word or run of symbols"),
        Column("ellipsis_per_word", unit="ellipses per word or run of symbols"),
        Column("bullet_line_share", unit="share of lines", range=(0, 1)),
        Column("ellipsis_line_share", unit="share of lines", range=(0, 1)),
        Column("alpha_word_share", unit="share of words and runs of symbols", range=(0, 1)),
        Column("stop_words", unit="different stop words found", type="int"),
    )
    examples: ClassVar = {
        "": (0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0),
        "ab # cde": (2, 2.5, 1 / 3, 0.0, 0.0, 0.0, 2 / 3, 0),
        "- the end...\n- of \ud55c\uad6d\uc5b4": (4, 2.75, 0.0, 1 / 7, 1.0, 0.5, 4 / 7, 2),
        "the cat and the hat": (5, 3.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2),
    }

    def score(self, batch: Batch) -> Scores:
        found, lines = batch.words, batch.split_lines
        stop_words = np.array([hash_word(word) for word in self.stop_words], np.uint64)
        _, _, flags = found.described
        sums = sum_words(found.start, found.end, flags, found.hashes, found.offsets, stop_words)
        words, chars, with_letter, stop_words_found = sums.T
        signs = count_signs(batch.codes, batch.traits, batch.bounds, lines.start, lines.end, lines.offsets)
        hashes, ellipses, bullets, ends_with_ellipsis = signs.T
        some_tokens = np.maximum(found.tokens, 1)  # an empty text is measured, never a crash
        some_lines = np.maximum(lines.count, 1)
        return {
            "words": words,
            "mean_word_chars": chars / np.maximum(words, 1),
            "hash_per_word": hashes / some_tokens,
            "ellipsis_per_word": ellipses / some_tokens,
            "bullet_line_share": bullets / some_lines,
            "ellipsis_line_share": ends_with_ellipsis / some_lines,
            "alpha_word_share": with_letter / some_tokens,
            "stop_words": stop_words_found,
        }
