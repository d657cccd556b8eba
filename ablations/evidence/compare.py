"""Two arms, or two cells, in one measure: the paired difference, its interval and its tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ablations.core.results.readings import Better
from ablations.statistics.cell_result import CellResult
from ablations.statistics.claim_estimates import between
from ablations.statistics.measures import Measures
from ablations.statistics.paired import LEAST_FOR_INTERVAL, LEAST_FOR_VERDICT
from ablations.statistics.permutation import exchange_p, sign_flip_p
from curation.runtime.errors import ConfigError, one_of


@dataclass(frozen=True)
class Pair:
    """One seed's values of both; `difference` is over the answers that both have."""

    seed: int
    a: float
    b: float
    difference: float


@dataclass(frozen=True)
class ArmComparison:
    """`a` minus `b` as measured.

    Attributes:
        p: two-sided, not adjusted: the comparison is not registered.
        sign_flip_p, exchange_p: exact, over seeds alone; see `statistics/permutation.py`.
        smallest_effect: what a repetition finds with a chance of 80 %.
        better: which side of the measure is better.
    """

    a: str
    b: str
    measure: str
    unit: str
    effect: float
    interval: tuple[float, float] | None
    p: float | None
    smallest_effect: float | None
    seeds: int
    draws: int | None
    items: int | None
    sign_flip_p: float | None
    exchange_p: float | None
    better: Better
    pairs: tuple[Pair, ...]
    sentence: str = ""


def compare(cells: Iterable[CellResult], a: str, b: str, measure: str) -> ArmComparison:
    """The paired difference of two arms, or of two cells by name.

    Raises:
        ConfigError: an unknown arm or measure, or no seed that both have.
    """
    measures = Measures.of_cells(_chosen(list(cells), a, b))
    if measure not in measures.names():
        raise ConfigError(f"--measure: {one_of(measures.names(), measure, 'measure of these arms')}")
    difference = between(measures, a, b, measure)
    if difference is None:
        raise ConfigError(
            f"{a} and {b}: no seed has {measure} in both. Run their cells first, or name another measure."
        )
    ones, others = measures.of(a, measure), measures.of(b, measure)
    seeds = sorted(set(ones) & set(others))
    enough = difference.n >= LEAST_FOR_INTERVAL
    comparison = ArmComparison(
        a, b, measure, measures.unit(measure), difference.effect, difference.interval, difference.p, difference.smallest_effect(),
        difference.n, difference.draws, difference.items,
        sign_flip_p(difference.seed_means) if enough else None,
        exchange_p([ones[s] for s in seeds], [others[s] for s in seeds]) if enough else None,
        measures.better(measure),
        tuple(Pair(s, ones[s], others[s], mean) for s, mean in zip(seeds, difference.seed_means, strict=True)),
    )  # fmt: skip
    return replace(comparison, sentence=_sentence(comparison))


def _chosen(cells: list[CellResult], a: str, b: str) -> list[CellResult]:
    """The cells of both sides. A named cell counts as an arm of its own, and two such cells are one pair."""
    if a == b:
        raise ConfigError(f"{a} and {b} are the same. Name two arms, or two cells.")
    arms, names = {cell.arm for cell in cells}, {cell.cell: cell for cell in cells}
    chosen: list[CellResult] = []
    for side in (a, b):
        if side in names and side not in arms:
            number = names[side].seed if not {a, b} <= set(names) else 0
            chosen.append(replace(names[side], arm=side, seed=number))
        elif side in arms:
            chosen += [cell for cell in cells if cell.arm == side]
        else:
            raise ConfigError(one_of([*sorted(arms), *sorted(names)], side, "arm or cell that has finished"))
    return chosen


def _sentence(comparison: ArmComparison) -> str:
    size = f"{comparison.a} minus {comparison.b} in {comparison.measure}: {comparison.effect:.4g} {comparison.unit}".rstrip()
    answers = (
        f", {comparison.draws} {'draw' if comparison.draws == 1 else 'draws'}, {comparison.items} items"
        if comparison.items is not None
        else ""
    )
    n = f"{comparison.seeds} {'seed' if comparison.seeds == 1 else 'seeds'}{answers}"
    if comparison.interval is None or comparison.p is None:
        few = comparison.seeds < LEAST_FOR_INTERVAL
        why = (
            f"no interval below {LEAST_FOR_INTERVAL} seeds" if few else "the same in every seed, which shows no spread"
        )
        return f"{size} ({n}): a point, {why}."
    low, high = comparison.interval
    if low <= 0 <= high:
        conclusion = (
            f"the interval includes zero; this design sees {comparison.smallest_effect:.3g} with a chance of 80 %"
        )
    elif comparison.seeds < LEAST_FOR_VERDICT:
        conclusion = f"zero is outside, but below {LEAST_FOR_VERDICT} seeds that is no verdict"
    else:
        conclusion = f"{_outcome(comparison)}, if this is the only comparison that was looked at"
    return f"{size}, 95 % interval {low:.4g} to {high:.4g}, p = {comparison.p:.2g} ({n}): {conclusion}."


def _outcome(comparison: ArmComparison) -> str:
    higher, lower = (comparison.a, comparison.b) if comparison.effect > 0 else (comparison.b, comparison.a)
    if comparison.better is None:
        return f"{higher} is higher, which is neither better nor worse"
    return f"{lower if comparison.better == 'lower' else higher} is better"


def comparison_text(comparison: ArmComparison) -> str:
    """The sentence, the exact tests, and the pairs."""
    from curation.runtime.command_line.command import table

    rows: list[tuple[Any, ...]] = [(pair.seed, pair.a, pair.b, pair.difference) for pair in comparison.pairs]
    exact = (
        f"exact p over {comparison.seeds} seeds: {comparison.sign_flip_p:.2g} by signs of pairs, "
        f"{comparison.exchange_p:.2g} by exchange of cells\n"
        if comparison.sign_flip_p is not None and comparison.exchange_p is not None
        else ""
    )
    return f"{comparison.sentence}\n{exact}\n{table(('seed', comparison.a, comparison.b, 'difference'), rows)}"
