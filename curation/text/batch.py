"""A batch of documents and its views (code points, words, lines), found once and shared by all annotators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from curation.text.code_points import classes, traits
from curation.text.kernels import characters, lines, ngrams, word_sums, words

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]
Hashes = npt.NDArray[np.uint64]
BATCH_CHARS = 500_000  # so that the views of a batch stay in the processor's caches
VERSION = 2  # of the views: raise it when a word or line is found differently; all scores are then computed anew


@dataclass(frozen=True)
class Parts:
    """Parts of a batch's documents, in order.

    Attributes:
        start, end: code points in the joined text.
        offsets: the parts of document d are those from `offsets[d]` to `offsets[d + 1]`; shape (documents + 1,).
    """

    start: Places
    end: Places
    offsets: Ints

    @property
    def documents(self) -> int:
        return self.offsets.size - 1

    @cached_property
    def document(self) -> Ints:
        """Index of the document that each belongs to."""
        return np.repeat(np.arange(self.documents), np.diff(self.offsets))

    def per_document(self, values: npt.NDArray[np.generic]) -> Ints:
        """Sum of one whole number a part over each document."""
        until = np.concatenate([np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)])
        sums: Ints = until[self.offsets[1:]] - until[self.offsets[:-1]]
        return sums


@dataclass(frozen=True)
class Words(Parts):
    """Words and runs of symbols of a batch, in order.

    Attributes:
        is_word: False for a run of symbols or punctuation.
        codes: the code points in which `start` and `end` are places: the batch's, unless the words were given.
        traits: bits of each of these code points, see `curation.text.code_points.traits`.
    """

    is_word: npt.NDArray[np.bool_]
    codes: npt.NDArray[np.uint32]
    traits: npt.NDArray[np.uint8]

    @cached_property
    def count(self) -> Ints:
        """Words of each document; runs of symbols do not count."""
        return self.per_document(self.is_word)

    @property
    def tokens(self) -> Ints:
        """Words and runs of symbols of each document."""
        return np.diff(self.offsets)

    @cached_property
    def chars(self) -> Ints:
        """Code points in the words of each document."""
        return self.per_document((self.end - self.start) * self.is_word)

    @cached_property
    def described(self) -> tuple[Hashes, Hashes, npt.NDArray[np.uint8]]:
        """Polynomial hash, power and flags of each; see `kernels.word_sums.describe`."""
        return word_sums.describe(self.codes, self.traits, self.start, self.end)

    @cached_property
    def hashes(self) -> Hashes:
        """64-bit hash of each, case kept."""
        return word_sums.finish_all(self.described[0])


class Lines(Parts):
    """Lines of a batch, without the marks that end them."""

    @property
    def count(self) -> Ints:
        return np.diff(self.offsets)

    def after(self, bounds: Ints) -> Ints:
        """Where each line with its end mark ends: where the next one starts, or its document ends."""
        stops = np.zeros(self.start.size, np.int64)
        stops[:-1] = self.start[1:]
        some = np.diff(self.offsets) > 0
        stops[self.offsets[1:][some] - 1] = bounds[1:][some]
        return stops


class Batch:
    """Documents that are scored together. The scores of a document never depend on the others."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)
        self._line_sums: dict[int, Ints] = {}

    @classmethod
    def of(cls, texts: Iterable[str]) -> Batch:
        return cls(list(texts))

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def bounds(self) -> Ints:
        """Where each document starts in the joined text, and the end: shape (documents + 1,), in code points."""
        return _bounds(list(map(len, self.texts)))

    @property
    def chars(self) -> Ints:
        """Code points of each document."""
        return np.diff(self.bounds)

    @cached_property
    def codes(self) -> npt.NDArray[np.uint32]:
        """Code points of all documents, one after the other."""
        return _codes("".join(self.texts))

    @cached_property
    def classes(self) -> npt.NDArray[np.uint8]:
        return characters.classify(self.codes, classes.table())

    @cached_property
    def traits(self) -> npt.NDArray[np.uint8]:
        """Bits of each code point, see `curation.text.code_points.traits`."""
        return characters.classify(self.codes, traits.table())

    @cached_property
    def class_counts(self) -> Ints:
        """Shape (documents, classes): code points of each class, in the order of `classes.NAMES`."""
        return characters.count_classes(self.classes, self.bounds, len(classes.NAMES))

    @cached_property
    def words(self) -> Words:
        start, end, is_word, offsets = words.find_words(self.codes, self.traits, self.bounds)
        return Words(start, end, offsets, is_word.view(np.bool_), self.codes, self.traits)

    @property
    def word_hashes(self) -> Hashes:
        """64-bit hash of each token of `words`, case kept."""
        return self.words.hashes

    @cached_property
    def ngram_chars(self) -> Ints:
        """Characters in repeated word n-grams, shape (documents, 9); see `kernels.ngrams.sum_ngrams`."""
        hashes, powers, _ = self.words.described
        return ngrams.sum_ngrams(hashes, powers, self.words.start, self.words.end, self.words.offsets)

    @cached_property
    def lines(self) -> Lines:
        """Lines that end with a newline; an empty document has none."""
        if lines.only_newlines(self.codes, self.traits):
            return self.split_lines  # the common case: both are the same
        return Lines(*lines.find_lines(self.codes, self.traits, self.bounds, False))

    @cached_property
    def line_hashes(self) -> Hashes:
        """64-bit hash of each line of `lines`."""
        return lines.hash_lines(self.codes, self.lines.start, self.lines.end)

    @cached_property
    def split_lines(self) -> Lines:
        """Lines as `str.splitlines` gives them, which also breaks at other marks than a newline."""
        return Lines(*lines.find_lines(self.codes, self.traits, self.bounds, True))

    def line_sums(self, short: int) -> Ints:
        """Repeated, terminal and short lines of each document; see `kernels.lines.sum_lines`."""
        if short not in self._line_sums:
            held = self.lines
            self._line_sums[short] = lines.sum_lines(
                *(self.codes, self.traits, self.bounds, held.start, held.end, self.line_hashes, held.offsets, short)
            )
        return self._line_sums[short]

    @property
    def newlines(self) -> Ints:
        return self.chars - self.lines.per_document(self.lines.end - self.lines.start)

    def count(self, needle: str) -> Ints:
        """Occurrences of a string in each document, not overlapping."""
        return np.fromiter((text.count(needle) for text in self.texts), np.int64, len(self.texts))


def hash_word(word: str) -> int:
    """The hash that `Batch.word_hashes` gives for this word."""
    codes = _codes(word)
    return int(word_sums.hash_ranges(codes, np.zeros(1, np.int64), np.full(1, codes.size, np.int64))[0])


def _codes(text: str) -> npt.NDArray[np.uint32]:
    return np.array([text]).view(np.uint32) if text else np.zeros(0, np.uint32)  # numpy keeps text as UTF-32


def _bounds(lengths: Sequence[int]) -> Ints:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.array(lengths, np.int64))])


def batches(texts: Iterable[str], limit_chars: int = BATCH_CHARS) -> Iterator[Batch]:
    """Consecutive batches bounded by characters, so that memory is bounded whatever the documents' lengths."""
    held: list[str] = []
    size = 0
    for text in texts:
        if held and size + len(text) > limit_chars:
            yield Batch(held)
            held, size = [], 0
        held.append(text)
        size += len(text)
    if held:
        yield Batch(held)
