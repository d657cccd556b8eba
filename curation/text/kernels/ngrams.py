"""Compiled loops over word n-grams: the most frequent one, and those that came before.

Most n-grams of a text stand once. So a first walk without branches marks the slots of a small table of bytes that are met twice,
and only n-grams of such slots (all that stand twice, and few others) are looked up in a table of hashes.
"""

from __future__ import annotations

import numpy as np

from curation.text.kernels.compiling import BASE, Bytes, Hashes, Places, Positions, compiled
from curation.text.kernels.lines import SLOT, shift_for

ONE = np.uint64(1)
HIGH = np.uint64(32)
LOW_HALF = np.uint64(0xFFFFFFFF)
FINER = np.uint64(2)  # four times as many bytes as slots of hashes
SPACE = np.uint64(0x21)


@compiled("int64(uint64[::1], int64, int32[::1], uint8[::1], uint64)")
def _met_twice(grams: Hashes, count: int, slots: Places, marks: Bytes, shift: np.uint64) -> int:
    """Puts the places of all n-grams whose slot is met twice at the begin of `slots`; how many they are."""
    marks[: np.int64(1) << (np.int64(64) - np.int64(shift))] = np.uint8(0)
    for i in range(count):
        grams[i] |= np.uint64(grams[i] == np.uint64(0))  # 0 marks an empty slot of the table of hashes
        slots[i] = np.int32((grams[i] * SLOT) >> shift)
    for i in range(count):
        marks[slots[i]] = (marks[slots[i]] << np.uint8(1)) | np.uint8(1)
    twice = 0
    for i in range(count):
        again = marks[slots[i]] > 1
        slots[twice] = i  # without a branch: the next one overwrites it if it is not to stay
        twice += again
    return twice


@compiled("int64(uint64[::1], int64, int64, int32[::1], int32[::1], uint8[::1], uint64[::1], uint64)")
def _top(
    grams: Hashes, count: int, n: int, until: Places, slots: Places, marks: Bytes, table: Hashes, shift: np.uint64
) -> int:
    """Characters (spaces between words included) of the most frequent n-gram times how often it stands; of several the first.

    A slot of `table` is two numbers: the n-gram's hash, and its count (high half) with the place where it first stood.
    """
    most, best = ONE, np.uint64(0)
    twice = _met_twice(grams, count, slots, marks, shift - FINER)
    if twice:
        shift = shift_for(twice)
        mask = (np.int64(1) << (np.int64(64) - np.int64(shift))) - 1
        table[: 2 * mask + 2] = np.uint64(0)
        for k in range(twice):
            i = slots[k]
            key = grams[i]
            slot = np.int64((key * SLOT) >> shift)
            while table[2 * slot] != key and table[2 * slot] != np.uint64(0):
                slot = (slot + 1) & mask
            if table[2 * slot] == key:
                said = table[2 * slot + 1] + (ONE << HIGH)
                table[2 * slot + 1] = said
                times, first = said >> HIGH, said & LOW_HALF
                if times > most or (times == most and first < best):
                    most, best = times, first
            else:
                table[2 * slot] = key
                table[2 * slot + 1] = (ONE << HIGH) | np.uint64(i)
    at = np.int64(best)
    return int((until[at + n] - until[at] + n - 1) * np.int64(most))


@compiled("int64(uint64[::1], int64, int64, int32[::1], int32[::1], uint8[::1], uint64[::1], uint64)")
def _again(
    grams: Hashes, count: int, n: int, until: Places, slots: Places, marks: Bytes, table: Hashes, shift: np.uint64
) -> int:
    """Characters of the n-grams that stood before; after one of them the search goes on behind it."""
    twice = _met_twice(grams, count, slots, marks, shift - FINER)
    if twice == 0:
        return 0
    shift = shift_for(twice)
    mask = (np.int64(1) << (np.int64(64) - np.int64(shift))) - 1
    table[: mask + 1] = np.uint64(0)
    chars, over = 0, 0
    for k in range(twice):
        i = int(slots[k])
        if i < over:
            continue
        key = grams[i]
        slot = np.int64((key * SLOT) >> shift)
        while table[slot] != key and table[slot] != np.uint64(0):
            slot = (slot + 1) & mask
        if table[slot] == key:
            chars += until[i + n] - until[i]
            over = i + n
        else:
            table[slot] = key
    return chars


@compiled("int64[:, ::1](uint64[::1], uint64[::1], int32[::1], int32[::1], int64[::1])")
def sum_ngrams(hashes: Hashes, powers: Hashes, starts: Places, ends: Places, offsets: Positions) -> Positions:
    """Shape (documents, 9): characters of the most frequent 2-, 3- and 4-gram, and of repeated 5- to 10-grams.

    As in datatrove, words of the first three are joined by spaces, and words of the others by nothing.
    `hashes` and `powers` are those of `word_sums.describe`.
    """
    sums = np.zeros((offsets.size - 1, 9), np.int64)
    longest = 0
    for d in range(offsets.size - 1):
        longest = max(longest, offsets[d + 1] - offsets[d])
    grams, until = np.empty(longest, np.uint64), np.empty(longest + 1, np.int32)
    slots_of_longest = np.int64(1) << (np.int64(64) - np.int64(shift_for(longest)))
    table, slots = np.empty(2 * slots_of_longest, np.uint64), np.empty(longest, np.int32)
    marks = np.empty(slots_of_longest << np.int64(FINER), np.uint8)
    for d in range(offsets.size - 1):
        at, size = offsets[d], offsets[d + 1] - offsets[d]
        h, power = hashes[at : at + size], powers[at : at + size]
        shift = shift_for(size)
        until[0] = 0
        for i in range(size):
            until[i + 1] = until[i] + (ends[at + i] - starts[at + i])
        grams[:size] = h
        for n in range(2, min(size, 4) + 1):
            for i in range(size - n + 1):
                grams[i] = (grams[i] * BASE + SPACE) * power[i + n - 1] + h[i + n - 1]
            sums[d, n - 2] = _top(grams, size - n + 1, n, until, slots, marks, table, shift)
        grams[:size] = h
        for n in range(2, min(size, 10) + 1):
            for i in range(size - n + 1):
                grams[i] = grams[i] * power[i + n - 1] + h[i + n - 1]
            if n >= 5:
                sums[d, n - 2] = _again(grams, size - n + 1, n, until, slots, marks, table, shift)
    return sums
