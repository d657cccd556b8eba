"""Which rows are demonstrations: nested, balanced, near, spread out; and never a query."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from letter_encoder import Mood, asked

from ablations.prompts.demos import Demos, Design, apart, ranked
from ablations.prompts.orders.entropy import ORDERS_TRIED, some_orders
from ablations.prompts.selections.diverse import spread_out
from ablations.prompts.selections.draws import in_turn
from curation.runtime.errors import ConfigError

ROWS = [{"text": f"text {i}", "label": int(i % 5 == 0)} for i in range(40)]


@given(st.sets(st.text(min_size=1), min_size=3), st.integers(0, 9))
def test_an_added_row_changes_no_other_rank(ids: set[str], draw: int) -> None:
    rows = sorted(ids)
    assert [row for row in ranked("t", draw, rows) if row != rows[0]] == ranked("t", draw, rows[1:])


@given(st.lists(st.integers(0, 3), max_size=30))
def test_taken_in_turn_each_prefix_is_as_balanced_as_the_labels_allow(labels: list[int]) -> None:
    order = in_turn(labels, len(labels), lambda place: -place)
    assert in_turn(labels, 3, lambda place: -place) == order[:3]
    assert sorted(order) == list(range(len(labels)))
    for k in range(1, len(order) + 1):
        shown = [labels[place] for place in order[:k]]
        for label in set(labels):
            if shown.count(label) < labels.count(
                label
            ):  # one that is not used up lags behind no other by more than one
                assert shown.count(label) >= max(shown.count(other) for other in set(labels)) - 1
    for label in set(labels):
        places = [place for place in order if labels[place] == label]
        assert places == sorted(places), "within a label the ranking stays"


def test_no_label_always_stands_last_in_its_round() -> None:
    """Else a habit about the last label would look like a skill."""
    design = Design(shots=(8,), balanced=True)
    demos = Demos("mood", asked(Mood(), ROWS), design)
    last = {demos.shared(draw, 8)[0][-1].example.gold for draw in range(12)}
    assert last == {0, 1}
    for draw in range(12):
        labels = [demo.example.gold for demo in demos.shared(draw, 8)[0]]
        assert all(sum(labels[:k]) in (k // 2, -(-k // 2)) for k in range(9))


def test_shared_demonstrations_nest_and_differ_between_draws() -> None:
    demos = Demos("mood", asked(Mood(), ROWS), Design(shots=(0, 1, 2, 4, 8)))
    for fewer, more in pairwise((0, 1, 2, 4, 8)):
        assert demos.shared(3, more)[0][:fewer] == demos.shared(3, fewer)[0]
    assert demos.shared(3, 8) != demos.shared(4, 8)


@pytest.mark.parametrize(("n", "count"), [(0, 1), (1, 1), (2, 2), (3, 6), (4, ORDERS_TRIED), (70, ORDERS_TRIED)])
def test_orders_are_different_ones_and_the_first_is_the_given(n: int, count: int) -> None:
    found = some_orders(n, seed=5)
    assert found[0] == tuple(range(n))
    assert len(set(found)) == len(found) == count
    assert all(sorted(order) == list(range(n)) for order in found)
    assert found == some_orders(n, seed=5)


@given(st.integers(1, 9), st.integers(0, 200))
def test_spread_out_rows_are_those_of_the_definition(n: int, seed: int) -> None:
    """The slow form: at each step compare all rows that are left with all that were taken."""
    rng = np.random.default_rng(seed)
    near = rng.integers(0, 9, n).astype(np.float32) / np.float32(8)
    among = rng.integers(0, 9, (n, n)).astype(np.float32) / np.float32(8)
    among = np.maximum(among, among.T)
    taken: list[int] = []
    while len(taken) < n:
        left = [row for row in range(n) if row not in taken]
        gains = [near[row] - max((among[row, other] for other in taken), default=0) for row in left]
        taken.append(left[int(np.argmax(gains))])
    assert spread_out(near, among, n) == taken
    assert spread_out(near, among, n - 1) == taken[: n - 1]


def test_rows_that_ask_the_same_are_one_row_and_queries_leave_the_pool() -> None:
    task = Mood()
    said = (("a", 0), (" a ", 1), ("b", 0), ("c", 0))
    pool = asked(task, [{"text": text, "label": label} for text, label in said])
    queries = asked(task, [{"text": "b\n", "label": 1, "date": "today"}])
    free, left_out = apart("mood", pool, queries)
    assert [question.text.split(" =")[0] for question in free] == ["a", "c"]
    assert left_out == 2
    assert apart("mood", pool[::-1], queries)[0] == free[::-1], (
        "which of two equal rows stays does not hang on their order"
    )
    with pytest.raises(ConfigError, match="task mood: every row of the pool is among the queries"):
        apart("mood", queries, queries)
    assert apart("mood", [], queries) == ([], 0)
