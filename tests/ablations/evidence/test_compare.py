"""Two arms in one measure, said in a sentence."""

from __future__ import annotations

import pytest

from ablations.core.results.readings import Reading
from ablations.evidence.compare import compare
from ablations.statistics.cell_result import CellResult


def cells(better, seeds=6):
    """Arm b lies about 1 above arm a in every seed."""
    for seed in range(seeds):
        for arm, value in (("a", 0.0), ("b", 1.0 + 0.01 * seed)):
            reading = Reading("mine", value, "units", better, "a number of mine")
            yield CellResult(f"{arm}_s{seed}-00", arm, seed, {reading.name: reading})


@pytest.mark.parametrize(
    ("better", "said"),
    [
        ("higher", "b is better, if"),
        ("lower", "a is better, if"),
        (None, "b is higher, which is neither better nor worse, if"),
    ],
)
def test_the_better_arm_is_named_if_a_side_of_the_measure_is_better(better, said: str) -> None:
    """If this fails, a bias or a count makes a winner."""
    for one, other in (("a", "b"), ("b", "a")):
        found = compare(cells(better), one, other, "mine")
        assert (found.better, found.unit) == (better, "units")
        assert said in found.sentence
