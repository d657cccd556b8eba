"""Compiled loops over single characters: classes, and the wording of a text as bytes."""

from __future__ import annotations

import numpy as np

from curation.text.code_points.traits import SPACE as SPACE_TRAIT
from curation.text.kernels.compiling import Bytes, Codes, Positions, compiled

SPACE = np.uint8(SPACE_TRAIT)


@compiled("uint8[::1](uint32[::1], uint8[::1])")
def classify(codes: Codes, table: Bytes) -> Bytes:
    """What `table` says of each code point."""
    found = np.empty(codes.size, np.uint8)
    for i in range(codes.size):
        found[i] = table[codes[i]]
    return found


@compiled("int64[:, ::1](uint8[::1], int64[::1], int64)")
def count_classes(classes: Bytes, bounds: Positions, n_classes: int) -> Positions:
    """How many code points of each class each document has, shape (documents, classes)."""
    counts = np.zeros((bounds.size - 1, n_classes), np.int64)
    four = np.zeros((4, 256), np.int64)  # four counters a class: increments of one counter would wait for each other
    for d in range(bounds.size - 1):
        four[:, :n_classes] = 0
        i, stop = bounds[d], bounds[d + 1]
        while i + 4 <= stop:
            four[0, classes[i]] += 1
            four[1, classes[i + 1]] += 1
            four[2, classes[i + 2]] += 1
            four[3, classes[i + 3]] += 1
            i += 4
        while i < stop:
            four[0, classes[i]] += 1
            i += 1
        for c in range(n_classes):
            counts[d, c] = four[0, c] + four[1, c] + four[2, c] + four[3, c]
    return counts


@compiled("Tuple((uint8[::1], int64[::1]))(uint32[::1], uint8[::1], int64[::1])")
def fold_white(codes: Codes, traits: Bytes, bounds: Positions) -> tuple[Bytes, Positions]:
    """UTF-8 of `" ".join(text.split())` of every document, one after the other, and where each starts and the last ends.

    Lone surrogates are written in three bytes, as the error handler "surrogatepass" does.
    """
    utf8 = np.empty(4 * codes.size, np.uint8)
    offsets = np.zeros(bounds.size, np.int64)
    n = 0
    for d in range(bounds.size - 1):
        first = n
        space = False
        for i in range(bounds[d], bounds[d + 1]):
            if traits[i] & SPACE:
                space = True
                continue
            if space and n > first:
                utf8[n] = 0x20
                n += 1
            space = False
            code = codes[i]
            if code < 0x80:
                utf8[n] = code
                n += 1
            elif code < 0x800:
                utf8[n] = 0xC0 | (code >> 6)
                utf8[n + 1] = 0x80 | (code & 0x3F)
                n += 2
            elif code < 0x10000:
                utf8[n] = 0xE0 | (code >> 12)
                utf8[n + 1] = 0x80 | ((code >> 6) & 0x3F)
                utf8[n + 2] = 0x80 | (code & 0x3F)
                n += 3
            else:
                utf8[n] = 0xF0 | (code >> 18)
                utf8[n + 1] = 0x80 | ((code >> 12) & 0x3F)
                utf8[n + 2] = 0x80 | ((code >> 6) & 0x3F)
                utf8[n + 3] = 0x80 | (code & 0x3F)
                n += 4
        offsets[d + 1] = n
    return utf8, offsets
