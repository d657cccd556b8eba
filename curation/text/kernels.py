"""Compiled loops over code points. Each has a plain Python oracle in the tests; the rules above are numpy over their results.

Signatures are explicit and the machine code is cached, so that a worker does not compile. Positions are code points in the
batch's joined text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint32]
Positions = npt.NDArray[np.int64]

F = TypeVar("F", bound=Callable[..., Any])
FNV_OFFSET = np.uint64(0xCBF29CE484222325)
FNV_PRIME = np.uint64(0x100000001B3)


def compiled(signature: str) -> Callable[[F], F]:
    """Machine code for one signature, made once and cached on the disk."""
    return cast(Callable[[F], F], numba.njit(signature, cache=True, nogil=True, boundscheck=False))


@compiled("uint8[::1](uint32[::1], uint8[::1])")
def classify(codes: Codes, table: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The class of each code point."""
    classes = np.empty(codes.size, np.uint8)
    for i in range(codes.size):
        classes[i] = table[codes[i]]
    return classes


@compiled("int64[:, ::1](uint8[::1], int64[::1], int64)")
def count_classes(classes: npt.NDArray[np.uint8], bounds: Positions, n_classes: int) -> npt.NDArray[np.int64]:
    """How many code points of each class each document has, shape (documents, classes)."""
    counts = np.zeros((bounds.size - 1, n_classes), np.int64)
    for d in range(bounds.size - 1):
        for i in range(bounds[d], bounds[d + 1]):
            counts[d, classes[i]] += 1
    return counts


@compiled("int64[:, ::1](uint32[::1], uint8[::1], int64[::1], uint8[::1])")
def find_words(
    codes: Codes, classes: npt.NDArray[np.uint8], bounds: Positions, group_of: npt.NDArray[np.uint8]
) -> npt.NDArray[np.int64]:
    """Rows (start, end, is_word, document) of every word and every run of symbols.

    `group_of` maps a class to 0 = separates, 1 = part of a word, 2 = a word by itself, 3 = part of a run of symbols.
    An apostrophe between two word characters belongs to the word.
    """
    found = np.empty((codes.size, 4), np.int64)
    n = 0
    for d in range(bounds.size - 1):
        i, stop = bounds[d], bounds[d + 1]
        while i < stop:
            group = group_of[classes[i]]
            start = i
            i += 1
            if group == 0:
                continue
            if group == 1 or group == 3:
                while i < stop:
                    following = group_of[classes[i]]
                    if following == group:
                        i += 1
                    elif (
                        group == 1
                        and (codes[i] == 0x27 or codes[i] == 0x2019)
                        and i + 1 < stop
                        and group_of[classes[i + 1]] == 1
                    ):
                        i += 2
                    else:
                        break
            found[n, 0], found[n, 1], found[n, 2], found[n, 3] = start, i, 0 if group == 3 else 1, d
            n += 1
    return found[:n].copy()


@compiled("int64[:, ::1](uint32[::1], int64[::1])")
def find_lines(codes: Codes, bounds: Positions) -> npt.NDArray[np.int64]:
    """Rows (start, end, document) of every line, without its newline; an empty document has none."""
    found = np.empty((codes.size + bounds.size, 3), np.int64)
    n = 0
    for d in range(bounds.size - 1):
        start, stop = bounds[d], bounds[d + 1]
        if start == stop:
            continue
        for i in range(start, stop):
            if codes[i] == 0x0A:
                found[n, 0], found[n, 1], found[n, 2] = start, i, d
                n += 1
                start = i + 1
        if start < stop:
            found[n, 0], found[n, 1], found[n, 2] = start, stop, d
            n += 1
    return found[:n].copy()


@compiled("uint64[::1](uint32[::1], int64[::1], int64[::1])")
def hash_ranges(codes: Codes, starts: Positions, ends: Positions) -> npt.NDArray[np.uint64]:
    """FNV-1a over the code points of each range, finished with a mixing step (Vigna's splitmix64)."""
    hashes = np.empty(starts.size, np.uint64)
    for r in range(starts.size):
        h = FNV_OFFSET
        for i in range(starts[r], ends[r]):
            h = (h ^ np.uint64(codes[i])) * FNV_PRIME
        h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        hashes[r] = h ^ (h >> np.uint64(31))
    return hashes
