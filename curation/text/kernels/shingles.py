"""Compiled loops over word hashes: shingles (word n-grams) and their MinHash signature."""

from __future__ import annotations

import numpy as np

from curation.text.kernels.compiling import BASE as STEP
from curation.text.kernels.compiling import Hashes, Positions, compiled, finish

MOST = np.uint64(0xFFFFFFFFFFFFFFFF)


@compiled("int64[::1](int64[::1], int64)")
def shingle_offsets(words: Positions, length: int) -> Positions:
    """Where each document's shingles start, and the end, from its number of words: shape (documents + 1,)."""
    offsets = np.zeros(words.size + 1, np.int64)
    for d in range(words.size):
        offsets[d + 1] = offsets[d] + (min(words[d], 1) if words[d] < length else words[d] - length + 1)
    return offsets


@compiled("uint64[::1](uint64[::1], int64[::1], int64[::1], int64)")
def hash_shingles(word_hashes: Hashes, words: Positions, offsets: Positions, length: int) -> Hashes:
    """Hash of every shingle: `length` consecutive words, or all words of a document that has fewer.

    `word_hashes` holds the words of all documents, one after the other; `words` says how many each has.
    """
    hashes = np.empty(offsets[-1], np.uint64)
    first = 0
    for d in range(words.size):
        size = min(words[d], length)
        own = word_hashes[first : first + words[d]]
        oldest = np.uint64(1)  # the factor of a shingle's first word, once it has left the shingle
        h = np.uint64(0)
        for i in range(size):
            h = h * STEP + own[i]
            oldest *= STEP
        for s in range(offsets[d], offsets[d + 1]):
            hashes[s] = finish(h)
            i = s - offsets[d]
            if i + size < own.size:
                h = h * STEP + own[i + size] - oldest * own[i]
        first += words[d]
    return hashes


@compiled("uint64[:, ::1](uint64[::1], int64[::1], uint64[::1], uint64[::1], int64)")
def minhash_bands(hashes: Hashes, offsets: Positions, times: Hashes, plus: Hashes, rows: int) -> Hashes:
    """One hash a band of `rows` minima, shape (documents, bands); a document without shingles has no meaning here.

    The i-th minimum is the least of `times[i] * hash + plus[i]` modulo 2**64 over the shingles (multiply-shift hashing).
    """
    size = times.size
    bands = np.empty((offsets.size - 1, size // rows), np.uint64)
    least = np.empty(size, np.uint64)
    for d in range(offsets.size - 1):
        least[:] = MOST
        for s in range(offsets[d], offsets[d + 1]):
            x = hashes[s]
            for i in range(size):
                least[i] = min(least[i], times[i] * x + plus[i])
        for b in range(size // rows):
            h = np.uint64(0)
            for i in range(b * rows, (b + 1) * rows):
                h = (h ^ least[i]) * STEP
                h ^= h >> np.uint64(32)
            bands[d, b] = finish(h)
    return bands
