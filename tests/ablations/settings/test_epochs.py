"""Arms that read their text as often, and how much that leaves of a schedule."""

from __future__ import annotations

from typing import Any

import pytest

from ablations.core.data.mixture import BLOCK
from ablations.settings.block_windows import block_windows
from ablations.settings.epochs import schedule_shares
from ablations.settings.study import Study
from curation.runtime.config import build
from curation.runtime.errors import ConfigError

CELLS = {"model": {"layers": 1, "width": 16, "heads": 2, "context": 64}, "schedule": {"tokens": 1_000_000, "batch": 8}}
TOKENS = {"a": 400_000.0, "b": 90_000.0, "c": 30_000.0}
ARMS: dict[str, Any] = {
    "a": {"mixture": {"a": 1}},
    "half": {"mixture": {"a": 1}, "fraction": 0.5},
    "even": {"mixture": {"a": 1, "b": 1}},
    "as_it_is": {"mixture": {"a": 40, "b": 9, "c": 3}},
    "uneven": {"mixture": {"a": 7, "c": 5}, "fraction": 0.7},
}


def study(arms: dict[str, Any] = ARMS, **changes: Any) -> Study:
    return build(Study, {"name": "s", "arms": arms, "cells": CELLS, **changes}, "study.yaml")


def most_read(study: Study, arm: str, share: float) -> float:
    """Times that an arm reads the source that it reads most often."""
    drawn = share * study.cells_of_arm(arm).schedule.tokens
    windows = block_windows(study.mixture(arm))
    return max(drawn * n / BLOCK / (study.arms[arm].fraction * TOKENS[source]) for source, n in windows.items())


def test_every_arm_reads_the_text_that_it_reads_most_as_often_as_the_others() -> None:
    equal = study(equal="epochs")
    shares = schedule_shares(equal, dict.fromkeys(ARMS, TOKENS))
    assert {round(most_read(equal, arm, share), 9) for arm, share in shares.items()} == {
        round(most_read(equal, "as_it_is", 1.0), 9)
    }
    assert shares["as_it_is"] == 1.0, "the arm with the most text trains as the study says"
    assert shares["half"] == pytest.approx(shares["a"] / 2)
    assert shares["even"] == pytest.approx(0.18 / 0.52, rel=0.01), "b is used up after 180,000 tokens of 520,000"


def test_a_mixture_in_the_proportion_of_its_sources_is_read_as_often_as_they_are() -> None:
    both = {"a": 400_000.0, "b": 400_000.0}
    arms = {"a": {"mixture": {"a": 1}}, "all": {"mixture": {"a": 1, "b": 1}}}
    assert schedule_shares(study(arms, equal="epochs"), dict.fromkeys(arms, both)) == {"a": 0.5, "all": 1.0}


def test_equal_tokens_shorten_nothing() -> None:
    assert set(schedule_shares(study(), dict.fromkeys(ARMS, TOKENS)).values()) == {1.0}


def test_an_arm_with_a_length_of_its_own_has_no_equal_epochs() -> None:
    arms = {**ARMS, "long": {"mixture": {"a": 1}, "cells": {"schedule": {"tokens": 2_000_000}}}}
    with pytest.raises(
        ConfigError, match=r"arms\.long\.cells\.schedule\.tokens: 2000000, but under equal: epochs"
    ) as info:
        study(arms, equal="epochs")
    assert "Remove it, or write equal: tokens." in str(info.value)
    study(arms)
    study({**ARMS, "other": {"mixture": {"a": 1}, "cells": {"schedule": {"kind": "cosine"}}}}, equal="epochs")
