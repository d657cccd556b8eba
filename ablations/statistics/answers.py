"""Answers of cells to the same items under the same draws, and their differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ablations.statistics.crossed import Array


@dataclass(frozen=True)
class Answers:
    """One cell's answers to every item under every draw: `values_DI`, shape (draws, items)."""

    draws: tuple[int, ...]
    items: tuple[str, ...]
    values_DI: Array

    def among(self, draws: Sequence[int], items: Sequence[str]) -> Array:
        """The answers of these draws and items; a single draw, as of zero-shot answers, is repeated for every draw."""
        rows = [self.draws.index(draw) for draw in draws] if len(self.draws) > 1 else [0] * len(draws)
        places = {item: place for place, item in enumerate(self.items)}
        return self.values_DI[np.ix_(rows, [places[item] for item in items])]

    def minus(self, other: Answers) -> Answers | None:
        """Answer by answer, on what both have; None if they share nothing."""
        draws, items = common_draws_and_items([self, other])
        if not draws or not items:
            return None
        return Answers(draws, items, self.among(draws, items) - other.among(draws, items))


def common_draws_and_items(all_answers: Sequence[Answers]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Draws and items that all have."""
    several = [each.draws for each in all_answers if len(each.draws) > 1] or [all_answers[0].draws]
    draws = set(several[0]).intersection(*several[1:])
    items = set(all_answers[0].items).intersection(*(each.items for each in all_answers[1:]))
    return tuple(sorted(draws)), tuple(sorted(items))


def stacked(all_answers: Sequence[Answers | None]) -> Array | None:
    """One block of all seeds, shape (S, D, I), on the draws and items that all of them have."""
    known = [each for each in all_answers if each is not None]
    if not known or len(known) < len(all_answers):
        return None
    draws, items = common_draws_and_items(known)
    return np.stack([each.among(draws, items) for each in known]) if draws and items else None
