"""A batch of documents and its views (code points, words, lines), found once and shared by all annotators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from curation.text import classes, kernels

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
BATCH_CHARS = 2_000_000
VERSION = 1  # of the views: raise it when a word or line is found differently; all scores are then computed anew


@dataclass(frozen=True)
class Words:
    """Words and runs of symbols of a batch, in order.

    Attributes:
        start, end: code points in the joined text.
        is_word: False for a run of symbols or punctuation.
        document: index of the document each belongs to.
        documents: number of documents.
    """

    start: Ints
    end: Ints
    is_word: npt.NDArray[np.bool_]
    document: Ints
    documents: int

    @cached_property
    def count(self) -> Ints:
        """Words of each document; runs of symbols do not count."""
        return self.per_document(self.is_word)

    @cached_property
    def tokens(self) -> Ints:
        """Words and runs of symbols of each document."""
        return np.bincount(self.document, minlength=self.documents).astype(np.int64)

    @cached_property
    def chars(self) -> Ints:
        """Code points in the words of each document."""
        return self.per_document((self.end - self.start) * self.is_word)

    def per_document(self, values: npt.NDArray[np.generic]) -> Ints:
        """Sum of one whole number per token over each document."""
        return np.bincount(self.document, weights=values.astype(np.float64), minlength=self.documents).astype(np.int64)


@dataclass(frozen=True)
class Lines:
    """Lines of a batch, without their newlines; see `Words`."""

    start: Ints
    end: Ints
    document: Ints
    documents: int

    @cached_property
    def count(self) -> Ints:
        return np.bincount(self.document, minlength=self.documents).astype(np.int64)

    def per_document(self, values: npt.NDArray[np.generic]) -> Ints:
        return np.bincount(self.document, weights=values.astype(np.float64), minlength=self.documents).astype(np.int64)


class Batch:
    """Documents that are scored together. What a document scores never depends on its company."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)

    @classmethod
    def of(cls, texts: Iterable[str]) -> Batch:
        return cls(list(texts))

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def bounds(self) -> Ints:
        """Where each document starts in the joined text, and the end: shape (documents + 1,), in code points."""
        lengths = np.fromiter(map(len, self.texts), np.int64, len(self.texts))
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])

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
        return kernels.classify(self.codes, classes.table())

    @cached_property
    def class_counts(self) -> Ints:
        """Shape (documents, classes): code points of each class, in the order of `classes.NAMES`."""
        return kernels.count_classes(self.classes, self.bounds, len(classes.NAMES))

    @cached_property
    def words(self) -> Words:
        found = kernels.find_words(self.codes, self.classes, self.bounds, _word_groups())
        return Words(
            start=np.ascontiguousarray(found[:, 0]),
            end=np.ascontiguousarray(found[:, 1]),
            is_word=found[:, 2].astype(bool),
            document=np.ascontiguousarray(found[:, 3]),
            documents=len(self),
        )

    @cached_property
    def word_hashes(self) -> npt.NDArray[np.uint64]:
        """64-bit hash of each token of `words`, case kept."""
        return kernels.hash_ranges(self.codes, self.words.start, self.words.end)

    @cached_property
    def lines(self) -> Lines:
        found = kernels.find_lines(self.codes, self.bounds)
        start, end, document = (np.ascontiguousarray(found[:, i]) for i in range(3))
        return Lines(start, end, document, len(self))

    def count(self, needle: str) -> Ints:
        """Occurrences of a string in each document, not overlapping."""
        return np.fromiter((text.count(needle) for text in self.texts), np.int64, len(self.texts))


def hash_word(word: str) -> int:
    """The hash that `Batch.word_hashes` gives for this word."""
    codes = _codes(word)
    return int(kernels.hash_ranges(codes, np.zeros(1, np.int64), np.full(1, codes.size, np.int64))[0])


def _codes(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(
        bytearray(text.encode("utf-32-le", "surrogatepass")), np.uint32
    )  # kernels take writable arrays


def _word_groups() -> npt.NDArray[np.uint8]:
    groups = np.zeros(len(classes.NAMES), np.uint8)
    groups[list(classes.ALPHANUMERIC)] = 1
    groups[[classes.CODE["han"], classes.CODE["kana"]]] = 2  # written without spaces: each character counts as a word
    groups[[classes.CODE["punctuation"], classes.CODE["symbol"], classes.CODE["other"]]] = 3
    return groups


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
