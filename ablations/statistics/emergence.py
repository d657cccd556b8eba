"""Whether and when something emerged in a cell: a switch, which is counted over seeds and not averaged.

An induction head has emerged when, at two evaluations in a row, one head's prefix matching on passages repeated at drawn distances
is above a limit, and above three times even attention, and the repeats save the model more than some nats. Copying on ordinary text
comes before, and without, what such heads do on random pieces: a measure of it has emerged when it is above a level twice in a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ablations.statistics.cell_result import CellResult

HEADS, REPEATS = "heads", "repeated_tokens.first_minus_second"
EVEN = "heads.prefix_matching.even"
PREFIX_MATCHING, TIMES_EVEN, REPEATS_NATS = 0.05, 3.0, 0.05
COPYING_NATS = 0.1  # a repeat: one layer, which cannot copy, had 0.005 at most, and seeds that copied 0.2 to 1.3
IN_A_ROW = 2  # evaluations


@dataclass(frozen=True)
class Limits:
    """What counts as an induction head: prefix matching above `prefix_matching` and `times_even` times even attention, and repeats
    that save more than `repeats` nats a token."""

    prefix_matching: float = PREFIX_MATCHING
    repeats: float = REPEATS_NATS
    times_even: float = TIMES_EVEN


@dataclass(frozen=True)
class Emerged:
    """One seed.

    Attributes:
        at_tokens: tokens at the first of the two evaluations; None where there are no two.
        last_tokens: tokens at the last evaluation but one, which is the latest onset that the run could have shown.
    """

    at_tokens: int | None
    last_tokens: int


def emerged(cell: CellResult, limits: Limits) -> Emerged | None:
    """Of a cell; None where its heads or repeats were not measured twice after the start, so that nothing can be said."""
    even, saved = cell.values.get(EVEN), dict(cell.curves.get(REPEATS, ()))
    points = cell.curve_details.get(HEADS, ())
    if even is None or not saved or sum(tokens > 0 for tokens, _ in points) < IN_A_ROW:
        return None
    least = max(limits.prefix_matching, limits.times_even * even)
    above = [
        (tokens, _above(details, least) if saved.get(tokens, 0.0) > limits.repeats else set())
        for tokens, details in points
    ]
    first = (tokens for (tokens, heads), (_, next_heads) in pairwise(above) if heads & next_heads)
    return Emerged(next(first, None), above[-IN_A_ROW][0])


def emerged_above(cell: CellResult, measure: str, level: float) -> Emerged | None:
    """The same of a measure that is above a level; None where it was not taken twice after the start."""
    points = cell.curves.get(measure, ())
    if sum(tokens > 0 for tokens, _ in points) < IN_A_ROW:
        return None
    first = (tokens for (tokens, value), (_, next_value) in pairwise(points) if min(value, next_value) > level)
    return Emerged(next(first, None), points[-IN_A_ROW][0])


def _above(details: Mapping[str, Any], least: float) -> set[tuple[int, int]]:
    heads: Sequence[Mapping[str, Any]] = details.get("heads", ())
    return {(head["layer"], head["head"]) for head in heads if head["prefix_matching"] > least}
