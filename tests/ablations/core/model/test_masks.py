"""What every attention mask says of the windows of a step."""

from __future__ import annotations

import numpy as np
import pytest

from ablations.core.data.hashing import hash_numbers
from ablations.core.model.masks.base import Mask
from ablations.core.model.masks.registry import MASKS

every_mask = pytest.mark.parametrize("mask", [cls() for cls in MASKS.classes().values()], ids=MASKS.classes())


@every_mask
def test_prefixes_leave_something_to_learn_from_and_follow_from_the_draws(mask: Mask) -> None:
    draws = hash_numbers(500, "prefix", 1)
    found = mask.prefixes(9, 10, 24, draws)
    assert (found is None) == (not mask.both_ways)
    if found is not None:
        again = mask.prefixes(9, 10, 24, draws)
        assert again is not None
        assert (found == again).all()
        assert found.shape == (500,)
        assert found.min() >= 0
        assert found.max() < 24


def test_the_lengths_of_a_prefix_model_are_spread_over_the_window() -> None:
    found = MASKS.get("prefix")().prefixes(0, 10, 24, hash_numbers(5000, "prefix", 1))
    assert found is not None
    assert set(found.tolist()) == set(range(24))
    assert np.bincount(found).std() < 30
