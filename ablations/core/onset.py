"""When a measure leaves its baseline, in training tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict


class Onset(TypedDict):
    """The onset lies after `after_tokens` and not later than `by_tokens`; null: not within the run (censored)."""

    threshold: float
    after_tokens: int
    by_tokens: int | None


def onset(curve: Sequence[tuple[int, float]], threshold: float) -> Onset:
    """First evaluation at and after which a measure stays above a threshold.

    Args:
        curve: (training tokens, measure), in order; at least one point.
        threshold: in the measure's unit.

    Returns:
        The interval between the evaluation before and that one. When the last point is not above the threshold there is
        no onset within the tokens of the last point.
    """
    above = [value > threshold for _, value in curve]
    if not above[-1]:
        return {"threshold": threshold, "after_tokens": curve[-1][0], "by_tokens": None}
    first = max((place + 1 for place, yes in enumerate(above) if not yes), default=0)
    return {"threshold": threshold, "after_tokens": curve[max(0, first - 1)][0], "by_tokens": curve[first][0]}
