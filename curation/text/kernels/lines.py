"""Compiled loops over lines and paragraphs."""

from __future__ import annotations

import numpy as np

from curation.text.code_points import traits as bits
from curation.text.kernels.compiling import (
    BASE,
    Bytes,
    Codes,
    Hashes,
    Places,
    Positions,
    compiled,
    finish,
    polynomial,
)

SPACE = np.uint8(bits.SPACE)
LINE_END = np.uint8(bits.LINE_END)
TERMINAL = np.uint8(bits.TERMINAL)
SLOT = np.uint64(0xD6E8FEB86659FD93)  # odd: the high bits of hash * SLOT choose a slot of a table


@compiled("boolean(uint64[::1], uint64, uint64)")
def add_to_set(table: Hashes, key: np.uint64, shift: np.uint64) -> bool:
    """Whether the key was there; then it is. `table` has 2 ** (64 - shift) slots, 0 in the empty ones."""
    if key == np.uint64(0):
        key = np.uint64(1)
    slot = np.int64((key * SLOT) >> shift)
    while table[slot] != np.uint64(0):
        if table[slot] == key:
            return True
        slot = (slot + 1) & (table.size - 1)
    table[slot] = key
    return False


@compiled("uint64(int64)")
def shift_for(keys: int) -> np.uint64:
    """For a table at most half full with so many keys."""
    bits_ = 1
    while (1 << bits_) < 2 * keys:
        bits_ += 1
    return np.uint64(64 - bits_)


@compiled("int64(uint8[::1], int64, int64)")
def _next_line_end(traits: Bytes, start: int, stop: int) -> int:
    """The place of the next mark that ends a line, or `stop`; 16 characters a step as long as there is none."""
    rest = traits[start:stop]
    i = 0
    while i + 16 <= rest.size:
        some = np.uint8(0)
        for k in range(16):
            some |= rest[i + k]
        if some & LINE_END:
            break
        i += 16
    while i < rest.size and not rest[i] & LINE_END:
        i += 1
    return start + i


@compiled("Tuple((int32[::1], int32[::1], int64[::1]))(uint32[::1], uint8[::1], int64[::1], boolean)")
def find_lines(codes: Codes, traits: Bytes, bounds: Positions, every_end: bool) -> tuple[Places, Places, Positions]:
    """Start and end of every line without its end mark; and where each document's lines begin.

    Lines end with a newline, or with `every_end` as `str.splitlines` ends them; what follows the last is a line unless empty.
    """
    most = bounds.size
    for i in range(traits.size):
        most += (traits[i] & LINE_END) != 0
    starts, ends = np.empty(most, np.int32), np.empty(most, np.int32)
    offsets = np.zeros(bounds.size, np.int64)
    n = 0
    for d in range(bounds.size - 1):
        start, stop = bounds[d], bounds[d + 1]
        i = start - 1
        while True:
            i = _next_line_end(traits, i + 1, stop)
            if i == stop:
                break
            if every_end or codes[i] == 0x0A:
                if every_end and codes[i] == 0x0A and i > bounds[d] and codes[i - 1] == 0x0D:
                    start = i + 1  # the second half of a return with a newline
                    continue
                starts[n], ends[n] = start, i
                n += 1
                start = i + 1
        if start < stop:
            starts[n], ends[n] = start, stop
            n += 1
        offsets[d + 1] = n
    return starts[:n], ends[:n], offsets


@compiled("boolean(uint32[::1], uint8[::1])")
def only_newlines(codes: Codes, traits: Bytes) -> bool:
    """Whether newlines are the only marks that end lines."""
    others = 0
    for i in range(codes.size):
        others += (traits[i] & LINE_END) != 0 and codes[i] != 0x0A
    return others == 0


@compiled("uint8[::1](uint64[::1], int32[::1], int32[::1], int64[::1], int64)")
def stood_before(hashes: Hashes, starts: Places, ends: Places, offsets: Positions, least: int) -> Bytes:
    """1 for each line of at least so many characters that its document said before, else 0."""
    again = np.zeros(hashes.size, np.uint8)
    for d in range(offsets.size - 1):
        shift = shift_for(offsets[d + 1] - offsets[d])
        table = np.zeros(1 << (np.int64(64) - np.int64(shift)), np.uint64)
        for line in range(offsets[d], offsets[d + 1]):
            if ends[line] - starts[line] >= least:
                again[line] = add_to_set(table, hashes[line], shift)
    return again


@compiled("uint64[::1](uint32[::1], int32[::1], int32[::1])")
def hash_lines(codes: Codes, starts: Places, ends: Places) -> Hashes:
    """Finished polynomial hash of each line."""
    hashes = np.empty(starts.size, np.uint64)
    for r in range(starts.size):
        hashes[r] = finish(polynomial(codes, starts[r], ends[r]))
    return hashes


@compiled("int64(uint32[::1])")
def _triple_dots(codes: Codes) -> int:
    """How often "..." stands in a text, not overlapping."""
    found, run = 0, 0
    for i in range(codes.size):
        run = run + 1 if codes[i] == 0x2E else 0
        if run == 3:
            found += 1
            run = 0
    return found


@compiled("int64[:, ::1](uint32[::1], uint8[::1], int64[::1], int32[::1], int32[::1], int64[::1])")
def count_signs(
    codes: Codes, traits: Bytes, bounds: Positions, starts: Places, ends: Places, offsets: Positions
) -> Positions:
    """Shape (documents, 4): '#', ellipses, lines that start with a bullet, lines that end with an ellipsis.

    An ellipsis is U+2026 or three full stops; the lines are trimmed of white space first.
    """
    counts = np.zeros((bounds.size - 1, 4), np.int64)
    for d in range(bounds.size - 1):
        whole = codes[bounds[d] : bounds[d + 1]]
        hashes, ellipses, dots = 0, 0, 0
        for i in range(
            whole.size
        ):  # of a slice, from 0: so the compiler knows that no index is negative, and uses vectors
            hashes += whole[i] == 0x23
            ellipses += whole[i] == 0x2026
            dots += whole[i] == 0x2E
        if dots >= 3:
            ellipses += _triple_dots(whole)
        bullets, ends_so = 0, 0
        for line in range(offsets[d], offsets[d + 1]):
            first, last = starts[line], ends[line] - 1
            while first <= last and traits[first] & SPACE:
                first += 1
            while last >= first and traits[last] & SPACE:
                last -= 1
            if first > last:
                continue
            bullets += codes[first] == 0x2022 or codes[first] == 0x2D
            ends_so += codes[last] == 0x2026 or (
                last - first >= 2 and codes[last] == 0x2E and codes[last - 1] == 0x2E and codes[last - 2] == 0x2E
            )
        counts[d, 0], counts[d, 1], counts[d, 2], counts[d, 3] = hashes, ellipses, bullets, ends_so
    return counts


LINE_SUMS = ("split_lines", "twice", "twice_chars", "solid_lines", "terminal_lines", "short_lines", "solid_twice_chars")


@compiled("int64[:, ::1](uint32[::1], uint8[::1], int64[::1], int32[::1], int32[::1], uint64[::1], int64[::1], int64)")
def sum_lines(
    codes: Codes,
    traits: Bytes,
    bounds: Positions,
    starts: Places,
    ends: Places,
    hashes: Hashes,
    offsets: Positions,
    short: int,
) -> Positions:
    """Shape (documents, 7), see LINE_SUMS: the parts of `re.split("\\n+", text)`, those that came before and their characters;
    lines that are not blank, those of them that end with a terminal mark, those of at most `short` characters, and the
    characters of those that came before.
    """
    sums = np.zeros((bounds.size - 1, 7), np.int64)
    for d in range(bounds.size - 1):
        begin, stop = bounds[d], bounds[d + 1]
        if begin == stop:
            continue
        starts_so, ends_so = codes[begin] == 0x0A, codes[stop - 1] == 0x0A  # then the first or last part is empty
        parts, twice, twice_chars = np.int64(starts_so) + np.int64(ends_so), np.int64(starts_so and ends_so), 0
        solid, terminal, few, solid_twice_chars = 0, 0, 0, 0
        shift = shift_for(offsets[d + 1] - offsets[d])
        table = np.zeros(1 << (np.int64(64) - np.int64(shift)), np.uint64)
        for line in range(offsets[d], offsets[d + 1]):
            first, end = starts[line], ends[line]
            if first == end:
                continue
            again = add_to_set(table, hashes[line], shift)
            parts += 1
            twice += again
            twice_chars += again * (end - first)
            while first < end and traits[first] & SPACE:
                first += 1
            if first == end:
                continue
            solid += 1
            terminal += (traits[end - 1] & TERMINAL) != 0
            few += end - starts[line] <= short
            solid_twice_chars += again * (end - starts[line])
        sums[d, 0], sums[d, 1], sums[d, 2], sums[d, 3] = parts, twice, twice_chars, solid
        sums[d, 4], sums[d, 5], sums[d, 6] = terminal, few, solid_twice_chars
    return sums


@compiled("int64[:, ::1](uint32[::1], uint8[::1], int64[::1], int32[::1], int32[::1], uint64[::1], int64[::1])")
def sum_paragraphs(
    codes: Codes, traits: Bytes, bounds: Positions, starts: Places, ends: Places, hashes: Hashes, offsets: Positions
) -> Positions:
    """Shape (documents, 3): the parts of `re.split("\\n{2,}", text.strip())`, those that came before, their characters."""
    sums = np.zeros((bounds.size - 1, 3), np.int64)
    for d in range(bounds.size - 1):
        begin, stop = bounds[d], bounds[d + 1]
        while begin < stop and traits[begin] & SPACE:
            begin += 1
        while stop > begin and traits[stop - 1] & SPACE:
            stop -= 1
        if begin == stop:
            sums[d, 0] = 1  # splitting an empty text gives one empty part
            continue
        shift = shift_for(offsets[d + 1] - offsets[d])
        table = np.zeros(1 << (np.int64(64) - np.int64(shift)), np.uint64)
        parts, twice, twice_chars = 0, 0, 0
        h, opened, until = np.uint64(0), -1, 0
        for line in range(offsets[d], offsets[d + 1] + 1):
            over = line == offsets[d + 1] or starts[line] >= stop
            empty = over or starts[line] == ends[line]
            if empty and opened >= 0:
                again = add_to_set(table, finish(h), shift)
                parts += 1
                twice += again
                twice_chars += again * (until - opened)
                opened = -1
            if over:
                break
            if empty or ends[line] <= begin:
                continue
            first, end = max(starts[line], begin), min(ends[line], stop)
            whole = first == starts[line] and end == ends[line]
            if opened < 0:
                opened, h = first, np.uint64(0)
            h = (h ^ (hashes[line] if whole else finish(polynomial(codes, first, end)))) * BASE
            until = end
        sums[d, 0], sums[d, 1], sums[d, 2] = parts, twice, twice_chars
    return sums
