"""Compiled loops over words that are found: their hashes, and sums of what they are."""

from __future__ import annotations

import numpy as np

from curation.text.code_points import traits as bits
from curation.text.kernels.compiling import BASE, Bytes, Codes, Hashes, Places, Positions, compiled, finish, polynomial

ALPHABETIC = np.uint8(bits.ALPHABETIC)
PUNCTUATION = np.uint8(bits.PUNCTUATION)
HAS_LETTER = 1  # bits of what `describe` says of a word
HAS_MORE_THAN_SIGNS = 2


@compiled("Tuple((uint64[::1], uint64[::1], uint8[::1]))(uint32[::1], uint8[::1], int32[::1], int32[::1])")
def describe(codes: Codes, traits: Bytes, starts: Places, ends: Places) -> tuple[Hashes, Hashes, Bytes]:
    """Of each range: its polynomial hash, BASE to the power of its length, and HAS_LETTER | HAS_MORE_THAN_SIGNS."""
    hashes, powers = np.empty(starts.size, np.uint64), np.empty(starts.size, np.uint64)
    flags = np.empty(starts.size, np.uint8)
    for w in range(starts.size):
        h, power = np.uint64(0), np.uint64(1)
        some, every = np.uint8(0), np.uint8(0xFF)
        for i in range(starts[w], ends[w]):
            h = h * BASE + (np.uint64(codes[i]) + np.uint64(1))
            power *= BASE
            some |= traits[i]
            every &= traits[i]
        hashes[w], powers[w] = h, power
        flags[w] = (HAS_LETTER if some & ALPHABETIC else 0) | (0 if every & PUNCTUATION else HAS_MORE_THAN_SIGNS)
    return hashes, powers, flags


@compiled("uint64[::1](uint64[::1])")
def finish_all(hashes: Hashes) -> Hashes:
    """Hashes with every bit spread over all bits."""
    found = np.empty(hashes.size, np.uint64)
    for i in range(hashes.size):
        found[i] = finish(hashes[i])
    return found


@compiled("int64[:, ::1](int32[::1], int32[::1], uint8[::1], uint64[::1], int64[::1], uint64[::1])")
def sum_words(
    starts: Places, ends: Places, flags: Bytes, hashes: Hashes, offsets: Positions, stop_words: Hashes
) -> Positions:
    """Shape (documents, 4): words that are more than signs, their characters, words with a letter, stop words found.

    `hashes` and `stop_words` are finished hashes; a stop word that occurs twice is found once.
    """
    sums = np.zeros((offsets.size - 1, 4), np.int64)
    found = np.zeros(stop_words.size, np.uint8)
    some = np.uint64(0)  # six bits of each stop word, to pass over nearly all other words at once
    for s in range(stop_words.size):
        some |= np.uint64(1) << (stop_words[s] >> np.uint64(58))
    for d in range(offsets.size - 1):
        words, chars, letters = 0, 0, 0
        found[:] = 0
        for w in range(offsets[d], offsets[d + 1]):
            counts = (flags[w] & HAS_MORE_THAN_SIGNS) != 0
            words += counts
            chars += counts * (ends[w] - starts[w])
            letters += flags[w] & HAS_LETTER
            if (some >> (hashes[w] >> np.uint64(58))) & np.uint64(1):
                for s in range(stop_words.size):
                    if stop_words[s] == hashes[w]:
                        found[s] = 1
        sums[d, 0], sums[d, 1], sums[d, 2], sums[d, 3] = words, chars, letters, found.sum()
    return sums


@compiled("uint64[::1](uint32[::1], int64[::1], int64[::1])")
def hash_ranges(codes: Codes, starts: Positions, ends: Positions) -> Hashes:
    """Finished polynomial hash of each range; ranges may overlap and come in any order."""
    hashes = np.empty(starts.size, np.uint64)
    for r in range(starts.size):
        hashes[r] = finish(polynomial(codes, starts[r], ends[r]))
    return hashes
