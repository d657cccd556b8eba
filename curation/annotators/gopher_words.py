"""Gopher's word rules as values. Source: Rae et al. 2021, https://arxiv.org/abs/2112.11446, appendix A1.1."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from curation.annotators.base import Annotator, Column, Scores
from curation.text import classes
from curation.text.batch import Batch, Ints, Lines, hash_word

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
Flags = npt.NDArray[np.bool_]
BULLETS = "\u2022\u2023\u25b6\u25c0\u25e6\u25a0\u25a1\u25aa\u25ab\u2013-*"


class GopherWords(Annotator):
    """Word counts and ratios of Gopher's quality filter."""

    kind: Literal["gopher_words"] = "gopher_words"
    version: Literal[1] = 1  # raise it when a value changes: old scores then stop being reused
    stop_words: tuple[str, ...] = STOP_WORDS

    columns: ClassVar = (
        Column("words", unit="words", type="int", low_is_bad=True, high_is_bad=True),
        Column("mean_word_chars", unit="characters per word", low_is_bad=True, high_is_bad=True),
        Column("hash_per_word", unit="'#' per word", high_is_bad=True),
        Column("ellipsis_per_word", unit="ellipses per word", high_is_bad=True),
        Column("bullet_line_share", unit="share of lines", range=(0, 1), high_is_bad=True),
        Column("ellipsis_line_share", unit="share of lines", range=(0, 1), high_is_bad=True),
        Column("alpha_word_share", unit="share of words and runs of symbols", range=(0, 1), low_is_bad=True),
        Column("stop_words", unit="stop words found", type="int", low_is_bad=True),
    )
    examples: ClassVar = {
        "": (0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0),
        "ab # cde": (2, 2.5, 0.5, 0.0, 0.0, 0.0, 2 / 3, 0),
        "- the end...\n- of \ud55c\uad6d\uc5b4": (4, 2.75, 0.0, 0.25, 1.0, 0.5, 4 / 7, 2),
    }

    def score(self, batch: Batch) -> Scores:
        words = batch.words
        some_words = np.maximum(words.count, 1)  # an empty text is measured, never a crash
        some_lines = np.maximum(batch.lines.count, 1)
        ellipses = batch.count("...") + batch.count("\u2026")
        return {
            "words": words.count,
            "mean_word_chars": words.chars / some_words,
            "hash_per_word": batch.count("#") / some_words,
            "ellipsis_per_word": ellipses / some_words,
            "bullet_line_share": batch.lines.per_document(_starts_with_bullet(batch)) / some_lines,
            "ellipsis_line_share": batch.lines.per_document(_ends_with_ellipsis(batch)) / some_lines,
            "alpha_word_share": _alphabetic(batch) / np.maximum(words.tokens, 1),
            "stop_words": self._stop_words_found(batch),
        }

    def _stop_words_found(self, batch: Batch) -> Ints:
        hashes = np.array([hash_word(word) for word in self.stop_words], np.uint64)
        return batch.words.per_document(np.isin(batch.word_hashes, hashes))


def _alphabetic(batch: Batch) -> Ints:
    """Words with at least one letter, by document."""
    letters = np.isin(batch.classes, classes.LETTERS)
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(letters)])
    has_letter = before[batch.words.end] > before[batch.words.start]
    return batch.words.per_document(has_letter)


def _trimmed(batch: Batch) -> tuple[Lines, Ints, Ints]:
    """The lines with, for each, its first and last code point that is not white space (both -1 in a blank line)."""
    lines = batch.lines
    solid = np.flatnonzero(~np.isin(batch.classes, classes.WHITE))
    first = np.searchsorted(solid, lines.start)
    last = np.searchsorted(solid, lines.end) - 1
    blank = first > last
    padded = np.append(solid, -1)
    return lines, np.where(blank, -1, padded[first]), np.where(blank, -1, padded[last])


def _starts_with_bullet(batch: Batch) -> Flags:
    _, first, _ = _trimmed(batch)
    codes = np.append(batch.codes, 0)
    bullets: Flags = np.isin(codes[first], [ord(bullet) for bullet in BULLETS])
    return bullets & (first >= 0)


def _ends_with_ellipsis(batch: Batch) -> Flags:
    _, first, last = _trimmed(batch)
    codes = np.append(batch.codes, np.zeros(3, np.uint32))  # a blank line's last is -1, and two before it are looked at
    dots = (last - first >= 2) & (codes[last] == 0x2E) & (codes[last - 1] == 0x2E) & (codes[last - 2] == 0x2E)
    found: Flags = ((codes[last] == 0x2026) | dots) & (first >= 0)
    return found
