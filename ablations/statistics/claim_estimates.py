"""From the cells' answers to the estimates that decide a claim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ablations.core.results.readings import Name
from ablations.statistics.answers import Answers, stacked
from ablations.statistics.cell_result import CellResult
from ablations.statistics.contrast import ACCURACY, answers
from ablations.statistics.crossed import Array
from ablations.statistics.measures import Measures
from ablations.statistics.paired import Estimate, estimate_crossed, interval_of_least
from ablations.statistics.switches import hidden_between

BLIND = "blind_"  # how the baseline of a reading begins: of accuracy, or of the metric of a task with written answers

Single = Callable[[CellResult], Answers | None]
ByValue = Callable[[CellResult], float | None]


@dataclass(frozen=True)
class ClaimEstimates:
    """The estimates that decide a claim.

    Attributes:
        main: the main estimate; None if something is missing.
        legs: further estimates that must all be above zero, by name.
        two_sided: any direction supports the claim; else only a positive effect does.
        margin: an interval wholly below it contradicts (a two-sided claim: wholly between it and its negative); 0 where none can,
            as of a measure that may switch in some runs.
        parts: comparisons of which `main` is the least favourable; its interval is then that of the least of them.
        seeds: of the arm with fewest, where `main` counts arms; else None.
        measures: those of the claim, by full name.
        missing: why there is no estimate.
        said: what was counted, in words that go with the reason for the outcome.
        hidden: why the main estimate decides nothing although its interval may exclude zero, as of seeds without a switch.
    """

    unit: str
    main: Estimate | None = None
    legs: tuple[tuple[str, Estimate], ...] = ()
    two_sided: bool = False
    margin: float = 0.0
    parts: tuple[Estimate, ...] = ()
    measures: tuple[str, ...] = ()
    missing: str = ""
    seeds: int | None = None
    said: str = ""
    hidden: str = ""

    @property
    def p(self) -> float | None:
        """Of the claim: a claim that has to hold in every comparison and leg has the largest p of them.

        For a negative effect it is the smallest p of the parts with one, times the number of parts (Bonferroni).
        """
        if self.main is None or self.main.p is None:
            return None
        if self.two_sided:
            return self.main.p
        if self.main.effect <= 0:
            below = [each.p for each in self.parts or (self.main,) if each.effect <= 0 and each.p is not None]
            return min(1.0, min(below) * len(self.parts or (self.main,)))
        everything = [self.main, *self.parts, *(leg for _, leg in self.legs)]
        return max(1.0 if each.p is None or each.effect <= 0 else each.p for each in everything)

    @property
    def p_of_margin(self) -> float:
        """Of an effect as large as the margin: small when the effect is shown to be smaller."""
        if self.main is None or self.margin <= 0 or self.main.error is None:
            return 1.0
        edges = (self.margin, -self.margin) if self.two_sided else (self.margin,)
        inside = abs(self.main.effect) < self.margin if self.two_sided else self.main.effect < self.margin
        worst = max(self.main.p_of(edge) or 0.0 for edge in edges)
        return min(1.0, worst * max(1, len(self.parts))) if inside else 1.0


def of_arm(measures: Measures, arm: str, measure: str) -> Estimate | None:
    """The mean of a measure in one arm; None without a finished cell."""
    block = arm_block(measures, arm, measure)
    return None if block is None else estimate_crossed(block, share=Name.parse(measure).reading == ACCURACY)


def arm_block(measures: Measures, arm: str, measure: str) -> Array | None:
    """A measure in one arm, shape (S, D, I); None without a finished cell."""
    return _block(
        measures, arm, lambda cell: single_answers(measures, cell, measure), lambda cell: cell.values.get(measure)
    )


def single_answers(measures: Measures, cell: CellResult, measure: str) -> Answers | None:
    """The single answers of a cell, cached in `measures`."""
    place = cell.cell, measure
    if place not in measures.answers:
        measures.answers[place] = answers(cell, measure)
    return measures.answers[place]


def gap(one: str, other: str) -> ByValue:
    return lambda cell: cell.values[one] - cell.values[other] if {one, other} <= set(cell.values) else None


def over_cells(measures: Measures, arm: str, single: Single, by_value: ByValue) -> Estimate | None:
    block = _block(measures, arm, single, by_value)
    return None if block is None else estimate_crossed(block)


def _block(measures: Measures, arm: str, single: Single, by_value: ByValue) -> Array | None:
    """From single answers if every cell has them, else from one value a cell."""
    values = [(cell, value) for cell in measures.cells_of(arm) if (value := by_value(cell)) is not None]
    if not values:
        return None
    block = stacked([single(cell) for cell, _ in values])
    return np.array([value for _, value in values]).reshape(-1, 1, 1) if block is None else block


def between(measures: Measures, arm: str, other: str, measure: str) -> Estimate | None:
    """One arm minus another in the seeds that both have, as measured; None if there are none."""
    block = block_between(measures, arm, other, measure)
    return None if block is None else estimate_crossed(block)


def block_between(measures: Measures, arm: str, other: str, measure: str) -> Array | None:
    """The paired differences that `between` averages, shape (S, D, I)."""
    ones, others = ({c.seed: c for c in measures.cells_of(a) if measure in c.values} for a in (arm, other))
    seeds = sorted(set(ones) & set(others))
    if not seeds:
        return None
    pairs = [
        (single_answers(measures, ones[seed], measure), single_answers(measures, others[seed], measure))
        for seed in seeds
    ]
    block = stacked([one.minus(two) if one and two else None for one, two in pairs])
    if block is not None:
        return block
    return np.array([ones[seed].values[measure] - others[seed].values[measure] for seed in seeds]).reshape(-1, 1, 1)


def better(
    arm: str,
    others: Sequence[str],
    measure: str,
    measures: Measures,
    smallest: float | None,
    two_sided: bool = False,
) -> ClaimEstimates:
    """The arm against the best of the others, seed by seed; positive is better."""
    margin = smallest or 0.0 if measures.is_smooth(measure) else 0.0
    about = ClaimEstimates(measures.unit(measure), two_sided=two_sided, margin=margin, measures=(measure,))
    differences = [between(measures, arm, other, measure) for other in others]
    known = [each for each in differences if each is not None]
    if len(known) < len(differences):
        return replace(about, missing=f"no seed has {measure} in both {arm} and {others[differences.index(None)]}")
    signed = [flipped(each) if measures.better(measure) == "lower" else each for each in known]
    main = min(signed, key=lambda each: each.effect)
    # a claim to be better than all is supported by every comparison, and contradicted by the least
    deciding = [(o, each) for o, each in zip(others, signed, strict=True) if each is main or main.effect > 0]
    hidden = (hidden_between(measures, (arm, other), measure, each) for other, each in deciding)
    about = replace(about, hidden=next(filter(None, hidden), ""))
    if len(signed) == 1:
        return replace(about, main=main)
    return replace(about, main=replace(main, interval=interval_of_least(signed)), parts=tuple(signed))


def flipped(estimate: Estimate) -> Estimate:
    """The same estimate of the negative."""
    interval = estimate.interval and (-estimate.interval[1], -estimate.interval[0])
    means = tuple(-mean for mean in estimate.seed_means)
    return replace(estimate, effect=-estimate.effect, interval=interval, seed_means=means)
