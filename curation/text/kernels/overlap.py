"""Compiled loops that find the text of queries in documents: folding, keys of whole lines, runs of equal letters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation.text.kernels.compiling import BASE, Codes, Hashes, Positions, compiled, finish

FILTER_BITS = 22  # 512 KiB, which stays in the second-level cache


@compiled("Tuple((uint32[::1], int64[::1], int64[::1]))(uint32[::1], int64[::1], uint32[::1])")
def fold(codes: Codes, bounds: Positions, table: Codes) -> tuple[Codes, Positions, Positions]:
    """Folded units, the code point at which each stands, and where each document's units begin (documents + 1)."""
    units = np.empty(codes.size, np.uint32)
    at = np.empty(codes.size, np.int64)
    starts = np.zeros(bounds.size, np.int64)
    n = 0
    for d in range(bounds.size - 1):
        for i in range(bounds[d], bounds[d + 1]):
            unit = table[codes[i]]
            if unit != 0:
                units[n], at[n] = unit, i
                n += 1
        starts[d + 1] = n
    return units[:n].copy(), at[:n].copy(), starts


@compiled("uint64[::1](uint32[::1], int64[::1], int64[::1], uint32[::1], uint32[::1])")
def line_keys(codes: Codes, starts: Positions, ends: Positions, letters: Codes, visible: Codes) -> Hashes:
    """Hash of each line's letters, or of its visible characters when it has no letter; 0 for a blank line."""
    keys = np.zeros(starts.size, np.uint64)
    for r in range(starts.size):
        h, shown, n, n_shown = np.uint64(0), np.uint64(1), 0, 0
        for i in range(starts[r], ends[r]):
            unit = letters[codes[i]]
            if unit != 0:
                h = h * BASE + np.uint64(unit)
                n += 1
            elif n == 0 and visible[codes[i]] != 0:
                shown = shown * BASE + np.uint64(visible[codes[i]])
                n_shown += 1
        if n > 0:
            keys[r] = finish(h)
        elif n_shown > 0:
            keys[r] = finish(shown)
    return keys


@compiled("uint64[::1](uint32[::1], int64[::1], int64)")
def window_hashes(units: Codes, starts: Positions, width: int) -> Hashes:
    """Hash of the `width` units from each start; `find_runs` gives the same for equal units."""
    hashes = np.empty(starts.size, np.uint64)
    for r in range(starts.size):
        h = np.uint64(0)
        for i in range(starts[r], starts[r] + width):
            h = h * BASE + np.uint64(units[i])
        hashes[r] = finish(h)
    return hashes


@compiled("uint8[::1](uint64[::1])")
def bit_filter(hashes: Hashes) -> npt.NDArray[np.uint8]:
    """A bit for each hash, by its upper bits: what is not set is surely none of them."""
    bits = np.zeros(1 << (FILTER_BITS - 3), np.uint8)
    for r in range(hashes.size):
        place = np.int64(hashes[r] >> np.uint64(64 - FILTER_BITS))
        bits[place >> 3] |= np.uint8(1 << (place & 7))
    return bits


@compiled(
    "int64[:, ::1](uint32[::1], int64[::1], int64, uint64[::1], int64[::1], int64[::1], uint32[::1], int64[::1], "
    "int64[::1], uint8[::1])"
)
def find_runs(
    units: Codes, bounds: Positions, width: int, seeds: Hashes, seed_query: Positions, seed_at: Positions, query_units: Codes,
    query_bounds: Positions, least: Positions, bits: npt.NDArray[np.uint8],
) -> npt.NDArray[np.int64]:  # fmt: skip
    """Rows (document, unit, query, query's unit, length) of the longest runs that grow from equal seeds.

    Codes are compared one by one, so that equal hashes alone find nothing. A run that is reached from several seeds may
    stand there more than once.

    Args:
        units, bounds: folded documents.
        width: units of a seed.
        seeds: sorted hashes of seeds; `seed_query`, `seed_at` say whose they are and where (in `query_units`).
        query_units, query_bounds: folded queries.
        least: shortest run that counts, of each query.
        bits: `bit_filter` of the seeds.
    """
    found = np.empty((256, 5), np.int64)
    last_end = np.full(least.size, -1, np.int64)
    last_shift = np.zeros(least.size, np.int64)
    n = 0
    leaving = np.uint64(1)
    for _ in range(width):
        leaving = leaving * BASE
    for d in range(bounds.size - 1):
        start, stop = bounds[d], bounds[d + 1]
        h = np.uint64(0)
        for i in range(start, stop):
            h = h * BASE + np.uint64(units[i])
            if i - start >= width:
                h = h - leaving * np.uint64(units[i - width])
            elif i - start < width - 1:
                continue
            key = finish(h)
            place = np.int64(key >> np.uint64(64 - FILTER_BITS))
            if not (bits[place >> 3] >> np.uint8(place & 7)) & 1:
                continue
            here = i - width + 1
            s = np.searchsorted(seeds, key)
            while s < seeds.size and seeds[s] == key:
                query, at = seed_query[s], seed_at[s]
                s += 1
                if last_shift[query] == here - at and here + width <= last_end[query]:
                    continue
                first, first_at = here, at
                while (
                    first > start and first_at > query_bounds[query] and units[first - 1] == query_units[first_at - 1]
                ):
                    first -= 1
                    first_at -= 1
                end, end_at = here, at
                while end < stop and end_at < query_bounds[query + 1] and units[end] == query_units[end_at]:
                    end += 1
                    end_at += 1
                last_shift[query], last_end[query] = here - at, end
                if end - here >= width and end - first >= least[query]:
                    if n == found.shape[0]:
                        wider = np.empty((2 * n, 5), np.int64)
                        wider[:n] = found
                        found = wider
                    found[n, 0], found[n, 1], found[n, 2] = d, first, query
                    found[n, 3], found[n, 4] = first_at - query_bounds[query], end - first
                    n += 1
    return found[:n].copy()
