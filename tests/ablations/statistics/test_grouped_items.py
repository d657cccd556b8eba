"""Questions on one paragraph are one item: their mean is that of all questions, and intervals cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.core.results.answers import GroupAnswers, Score, TaskAnswers
from ablations.statistics.cell_result import CellResult
from ablations.statistics.contrast import answers, grouped
from ablations.statistics.paired import estimate_crossed

VALUES = st.lists(st.floats(-5, 5), min_size=2, max_size=30)


@given(VALUES, st.integers(0, 999))
def test_the_mean_over_groups_is_the_mean_over_items_whatever_their_sizes(values: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = [f"p{rng.integers(0, 5)}" for _ in values]
    names, parts = grouped(groups, np.array([values, values[::-1]]))
    assert names == sorted(set(groups))
    assert parts.mean(1) == pytest.approx([np.mean(values)] * 2, abs=1e-9)


def test_groups_of_one_size_are_their_own_means() -> None:
    names, parts = grouped(["a", "b", "a", "b"], np.array([[1.0, 5.0, 3.0, 9.0]]))
    assert (names, parts.tolist()) == (["a", "b"], [[2.0, 7.0]])


@given(VALUES, VALUES, st.integers(0, 999))
def test_parts_of_a_difference_are_differences_of_parts(one: list[float], other: list[float], seed: int) -> None:
    n = min(len(one), len(other))
    a, b = np.array([one[:n]]), np.array([other[:n]])
    groups = [f"p{x}" for x in np.random.default_rng(seed).integers(0, 4, n)]
    assert grouped(groups, a - b)[1] == pytest.approx(grouped(groups, a)[1] - grouped(groups, b)[1], abs=1e-9)


def test_answers_of_a_cell_come_by_group_where_its_task_has_groups() -> None:
    scores = tuple(Score(name, 0, (-value,), (1,)) for name, value in (("a", 1.0), ("b", 2.0), ("c", 6.0)))
    asked = {"qa": TaskAnswers("qa", (GroupAnswers(4, "gold", 0, scores),))}
    alone = answers(CellResult("x", "x", 0, {}, asked), "few_shot.qa.k4.gold.nll")
    together = answers(
        CellResult("x", "x", 0, {}, asked, item_groups={"qa": {"a": "p", "b": "p", "c": "q"}}),
        "few_shot.qa.k4.gold.nll",
    )
    assert alone is not None
    assert together is not None
    assert alone.items == ("a", "b", "c")
    assert together.items == ("p", "q")
    assert together.values_DI.mean() == pytest.approx(3.0)


SEEDS, DRAWS, ITEMS, STUDIES = 5, 10, 200, 2000


@pytest.mark.simulation
@pytest.mark.parametrize("size", [5, 10])
def test_intervals_over_clustered_items_cover(size: int) -> None:
    """Taken as independent, items in clusters of 5 covered 72 % and of 10 59 %."""
    rng, covered = np.random.default_rng(size), 0
    groups = [f"{item // size:03d}" for item in range(ITEMS)]
    for _ in range(STUDIES):
        clusters = np.repeat(rng.normal(0, 1, ITEMS // size), size)
        items = clusters + rng.normal(0, 0.5, ITEMS)
        values = rng.normal(0, 0.05, (SEEDS, 1, 1)) + rng.normal(0, 0.05, (1, DRAWS, 1)) + items
        values = values + rng.normal(0, 0.5, (SEEDS, DRAWS, ITEMS))
        blocks = np.stack([grouped(groups, block)[1] for block in values])
        interval = estimate_crossed(blocks).interval
        assert interval
        covered += interval[0] <= 0 <= interval[1]
    assert 0.93 <= covered / STUDIES <= 0.97
