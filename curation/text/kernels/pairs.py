"""Compiled loops over documents in pairs: who is compared, how much two sets share, who stays. Sets are sorted hashes."""

from __future__ import annotations

import numpy as np

from curation.text.kernels.compiling import BASE as STEP
from curation.text.kernels.compiling import Hashes, Places, Positions, compiled, finish


@compiled("uint64[:, ::1](uint64[::1], int64[::1])")
def band_keys(bands: Hashes, bounds: Positions) -> Hashes:
    """For each band a hash of its number and value, and one of all bands of its document: shape (bands, 2)."""
    keys = np.empty((bands.size, 2), np.uint64)
    for d in range(bounds.size - 1):
        all_bands = np.uint64(0)
        for b in range(bounds[d], bounds[d + 1]):
            keys[b, 0] = finish(bands[b] + np.uint64(b - bounds[d]) * STEP)
            all_bands = finish(all_bands ^ keys[b, 0]) + STEP
        for b in range(bounds[d], bounds[d + 1]):
            keys[b, 1] = all_bands
    return keys


@compiled("Tuple((int32[:, ::1], int64))(int64[::1], int64[::1], int64)")
def pairs_in_groups(starts: Positions, own: Positions, most: int) -> tuple[Places, int]:
    """Pairs of positions to compare, the smaller one first, and how many pairs of large groups are left out.

    In a group of more than `most` + 1 members each is paired with the first `most` that stand for themselves, and with the one
    that stands for it: n members give about n * most pairs, not n * n.

    Args:
        starts: where each group starts, and the end: shape (groups + 1,).
        own: the position (in the same group) that stands for each one; that of a document among copies of itself.
    """
    limit = 0
    for g in range(starts.size - 1):
        n = starts[g + 1] - starts[g]
        limit += n * (n - 1) // 2 if n <= most + 1 else n * (most + 1)
    pairs = np.empty((limit, 2), np.int32)
    leaders = np.empty(most, np.int64)
    made, left_out = 0, 0
    for g in range(starts.size - 1):
        start, stop = starts[g], starts[g + 1]
        n, before = stop - start, made
        if n <= most + 1:
            for p in range(start, stop):
                for q in range(p + 1, stop):
                    pairs[made, 0], pairs[made, 1] = p, q
                    made += 1
            continue
        n_leaders = 0
        for p in range(start, stop):
            if own[p] == p and n_leaders < most:
                leaders[n_leaders] = p
                n_leaders += 1
        last = leaders[n_leaders - 1]
        for p in range(start, stop):
            leads = own[p] == p and p <= last
            for i in range(n_leaders):
                if leaders[i] < p or (leaders[i] > p and not leads):
                    pairs[made, 0], pairs[made, 1] = min(p, leaders[i]), max(p, leaders[i])
                    made += 1
            if own[p] > last and own[p] != p:
                pairs[made, 0], pairs[made, 1] = min(p, own[p]), max(p, own[p])
                made += 1
        left_out += n * (n - 1) // 2 - (made - before)
    return pairs[:made].copy(), left_out


@compiled("Tuple((uint64[::1], int64[::1]))(uint64[::1], int64[::1])")
def sorted_sets(values: Hashes, bounds: Positions) -> tuple[Hashes, Positions]:
    """The distinct values of each range, ascending, one range after the other, and the new bounds."""
    found = np.empty(values.size, np.uint64)
    new = np.zeros(bounds.size, np.int64)
    n = 0
    for d in range(bounds.size - 1):
        ordered = np.sort(values[bounds[d] : bounds[d + 1]])
        for i in range(ordered.size):
            if i == 0 or ordered[i] != ordered[i - 1]:
                found[n] = ordered[i]
                n += 1
        new[d + 1] = n
    return found[:n].copy(), new


@compiled("int64[::1](uint64[::1], int64[::1], int64[::1], uint64[::1], int64[::1], int64[::1])")
def shared_values(
    left: Hashes,
    left_bounds: Positions,
    left_set: Positions,
    right: Hashes,
    right_bounds: Positions,
    right_set: Positions,
) -> Positions:
    """How many values set `left_set[p]` of the left and set `right_set[p]` of the right have in common, for each pair p."""
    shared = np.zeros(left_set.size, np.int64)
    for p in range(left_set.size):
        i, i_stop = left_bounds[left_set[p]], left_bounds[left_set[p] + 1]
        j, j_stop = right_bounds[right_set[p]], right_bounds[right_set[p] + 1]
        while i < i_stop and j < j_stop:
            a, b = left[i], right[j]
            if a == b:
                shared[p] += 1
            if a <= b:
                i += 1
            if b <= a:
                j += 1
    return shared


@compiled("int64[::1](int64[::1], int64[::1], int64)")
def deciding_edges(later: Positions, earlier: Positions, documents: int) -> Positions:
    """For each document the first of its edges that leads to an earlier document that is kept, or -1: then it is kept.

    Args:
        later, earlier: ranks of the two documents of each edge, edges sorted by `later`; of one document's edges those to
            prefer first.
    """
    edge = np.full(documents, -1, np.int64)
    for e in range(later.size):
        if edge[later[e]] < 0 and edge[earlier[e]] < 0:
            edge[later[e]] = e
    return edge
