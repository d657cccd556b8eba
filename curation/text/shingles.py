"""The only definition of a shingle: MinHash signatures and the check of true similarity use the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from curation.text.batch import Batch, Ints
from curation.text.kernels import shingles as kernels


@dataclass(frozen=True)
class Shingles:
    """Hashes of the shingles of a batch's documents, in the order of the text.

    Attributes:
        hashes: 64 bits of each shingle; equal wording gives equal hashes in every batch and every run.
        offsets: the shingles of document d are `hashes[offsets[d] : offsets[d + 1]]`; shape (documents + 1,).
    """

    hashes: npt.NDArray[np.uint64]
    offsets: Ints

    @classmethod
    def of(cls, batch: Batch, words: int) -> Shingles:
        """Every run of `words` consecutive words; a shorter document has one, all its words, and one without words none.

        Runs of symbols and punctuation are skipped. Case, marks and composition stay as they are in the text.
        """
        is_word = batch.words.is_word
        offsets = kernels.shingle_offsets(batch.words.count, words)
        hashes = kernels.hash_shingles(batch.word_hashes[is_word], batch.words.count, offsets, words)
        return cls(hashes, offsets)

    @property
    def count(self) -> Ints:
        """Shingles of each document, repeated ones included."""
        return np.diff(self.offsets)

    @cached_property
    def document(self) -> Ints:
        """Index of the document of each shingle."""
        return np.repeat(np.arange(self.offsets.size - 1), self.count)
