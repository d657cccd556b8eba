"""The kernels of decontamination against plain Python; runs are tested with the whole in `test_decontaminate.py`."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from odd_texts import odd_texts

from curation.text.batch import Batch
from curation.text.code_points import classes
from curation.text.folding import folded, letters_table, visible_table
from curation.text.kernels import overlap

TEXTS = st.lists(odd_texts(), max_size=5)


def is_letter(char: str) -> bool:
    return classes.table()[ord(char)] in classes.ALPHANUMERIC


@given(text=odd_texts())
def test_a_folded_text_has_the_letters_in_lower_case_else_the_visible_signs(text: str) -> None:
    letters = [char.lower() if len(char.lower()) == 1 else char for char in text if is_letter(char)]
    unseen = {*classes.WHITE, classes.CODE["control"]}
    visible = [char for char in text if classes.table()[ord(char)] not in unseen]
    assert folded(text) == "".join(letters or visible)


@given(texts=TEXTS)
def test_units_of_documents_are_their_letters_with_their_places(texts: list[str]) -> None:
    batch = Batch(texts)
    units, at, bounds = overlap.fold(batch.codes, batch.bounds, letters_table())
    joined = "".join(texts)
    assert at.tolist() == [i for i, char in enumerate(joined) if is_letter(char)]
    assert units.tolist() == letters_table()[batch.codes[at]].tolist()
    assert np.diff(bounds).tolist() == [sum(map(is_letter, text)) for text in texts]


@given(lines=st.lists(odd_texts(), min_size=1, max_size=8))
def test_lines_have_one_key_if_and_only_if_they_fold_to_the_same(lines: list[str]) -> None:
    batch = Batch(lines)
    starts, ends = batch.bounds[:-1].copy(), batch.bounds[1:].copy()
    keys = overlap.line_keys(batch.codes, starts, ends, letters_table(), visible_table())
    for line, key in zip(lines, keys.tolist(), strict=True):
        assert (key == 0) == (folded(line) == "")
        assert [other == key for other in keys.tolist()] == [folded(other) == folded(line) for other in lines]


@given(hashes=st.lists(st.integers(0, 2**64 - 1), max_size=20), other=st.integers(0, 2**64 - 1))
def test_the_filter_lets_every_hash_through_that_it_holds(hashes: list[int], other: int) -> None:
    bits = overlap.bit_filter(np.array(hashes, np.uint64))

    def passes(value: int) -> bool:
        place = value >> (64 - overlap.FILTER_BITS)
        return bool(bits[place >> 3] >> (place & 7) & 1)

    assert all(map(passes, hashes))
    upper = {value >> (64 - overlap.FILTER_BITS) for value in hashes}
    assert passes(other) == (other >> (64 - overlap.FILTER_BITS) in upper)
