"""Kernels over pairs and sets against Python's own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curation.text.kernels.pairs import band_keys, shared_values, sorted_sets

VALUES = st.one_of(st.integers(0, 9), st.integers(2**63, 2**64 - 1))
LISTS = st.lists(st.lists(VALUES, max_size=12), max_size=6)


def joined(lists: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    bounds = np.cumsum([0, *map(len, lists)], dtype=np.int64)
    return np.array([value for values in lists for value in values], np.uint64), bounds


@given(lists=LISTS)
def test_sets_are_sorted_and_distinct(lists: list[list[int]]) -> None:
    values, bounds = sorted_sets(*joined(lists))
    found = [values[bounds[i] : bounds[i + 1]].tolist() for i in range(len(lists))]
    assert found == [sorted(set(of_one)) for of_one in lists]


@given(left=LISTS, right=LISTS)
def test_shared_values_are_those_of_an_intersection(left: list[list[int]], right: list[list[int]]) -> None:
    pairs = [(i, j) for i in range(len(left)) for j in range(len(right))]
    at_left, at_right = np.array(pairs, np.int64).reshape(-1, 2).T.copy()
    found = shared_values(*sorted_sets(*joined(left)), at_left, *sorted_sets(*joined(right)), at_right)
    assert found.tolist() == [len(set(left[i]) & set(right[j])) for i, j in pairs]


@given(lists=LISTS)
def test_keys_are_equal_where_number_and_band_are_and_copies_where_all_bands_are(lists: list[list[int]]) -> None:
    """A key that did not depend on the band's number would pair documents by a chance meeting of two bands."""
    keys = band_keys(*joined(lists))
    bands = [(number, value) for values in lists for number, value in enumerate(values)]
    whole = [tuple(values) for values in lists for _ in values]
    for i in range(len(bands)):
        for j in range(len(bands)):
            assert (keys[i, 0] == keys[j, 0]) == (bands[i] == bands[j])
            assert (keys[i, 1] == keys[j, 1]) == (whole[i] == whole[j])
