"""Rank correlation against slow definitions."""

from __future__ import annotations

import math
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ablations.statistics.rank_correlation import spearman

few = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=4, max_size=6)


@settings(max_examples=25)
@given(pairs=few)
def test_p_is_the_share_of_all_orders_that_are_as_extreme(pairs: list[tuple[int, int]]) -> None:
    """With seven corpora the usual approximation of p is wrong in its first digit."""
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    found = spearman(xs, ys)
    if len(set(xs)) == 1 or len(set(ys)) == 1:
        assert found.rho is None
        return
    assert found.rho is not None
    assert found.rho == pytest.approx(stats.spearmanr(xs, ys).statistic)
    orders = [abs(stats.spearmanr(xs, order).statistic) for order in permutations(ys)]
    assert found.p == pytest.approx(sum(rho >= abs(found.rho) - 1e-9 for rho in orders) / math.factorial(len(xs)))


def test_a_perfect_order_of_four_has_the_least_p_that_four_can_give() -> None:
    found = spearman([1, 2, 3, 4], [10, 20, 30, 40])
    assert found.rho == 1.0
    assert found.p == pytest.approx(2 / 24)


@pytest.mark.parametrize("n", range(4, 13))
def test_a_perfect_order_of_few_is_no_proof_of_a_perfect_relation(n: int) -> None:
    """Computed in floats some of them are a hair below 1; an interval of no width would follow."""
    up, down = (spearman(range(n), list(range(n))[::step]) for step in (1, -1))
    assert (up.rho, down.rho) == (1.0, -1.0)
    assert up.interval is not None
    assert down.interval == pytest.approx((-1.0, -up.interval[0]))
    assert up.interval[1] == 1.0
    assert up.interval[0] < 1 - 6 / (n**3 - n)


@given(pairs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=4, max_size=9))
def test_an_interval_never_excludes_zero_where_the_test_does_not(pairs: list[tuple[int, int]]) -> None:
    """Four equal corpora and an odd one are in perfect order by chance one time in five."""
    found = spearman([x for x, _ in pairs], [y for _, y in pairs])
    if found.interval is not None and found.p is not None and found.p >= 0.05:
        assert found.interval[0] <= 0 <= found.interval[1]


@pytest.mark.parametrize(("xs", "ys"), [([], []), ([1, 2, 3], [1, 2, 3]), ([1, 1, 1, 1], [1, 2, 3, 4])])
def test_too_few_or_constant_values_give_no_correlation(xs: list[float], ys: list[float]) -> None:
    found = spearman(xs, ys)
    assert (found.rho, found.p, found.interval, found.n) == (None, None, None, len(xs))


def test_the_interval_holds_rho_and_narrows_with_pairs() -> None:
    xs = list(range(40))
    ys = [(7 * x) % 40 for x in xs]
    few_pairs, many = spearman(xs[:9], ys[:9]), spearman(xs, ys)
    for found in (few_pairs, many):
        assert found.rho is not None
        assert found.interval is not None
        assert found.interval[0] < found.rho < found.interval[1]
    assert few_pairs.interval is not None
    assert many.interval is not None
    assert many.interval[1] - many.interval[0] < few_pairs.interval[1] - few_pairs.interval[0]
