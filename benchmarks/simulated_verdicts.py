"""How often verdicts are wrong when nothing is there, and how often they are given when the stated smallest effect is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from ablations.claims.verdicts import decide
from ablations.statistics.claim_estimates import ClaimEstimates
from ablations.statistics.crossed import Array, mean_squares, uncertainty
from ablations.statistics.paired import ALPHA, estimate_crossed, interval_of_least
from ablations.statistics.switches import NEGLIGIBLE, hidden_in_arm
from ablations.statistics.variances import Variances, planned_effect
from benchmarks.simulated_cells import CHUNK, Rng, Setting, crossed_values

SHARED = frozenset(
    {"draws", "items", "draws_items"}
)  # what all arms have in common: the same demonstrations and questions


@dataclass(frozen=True)
class FalseVerdicts:
    """Shares of studies: with any wrong verdict, and of each claim (`wrong`)."""

    studies: int
    any_wrong: float
    wrong: Mapping[str, float]


def false_verdicts(
    variances: Variances, seeds: int, draws: int, items: int, studies: int, seed: int = 0
) -> FalseVerdicts:
    """Studies of six claims about five arms that are alike but for their spread, which differs tenfold.

    Wrong is every `supported` and every `contradicted` but that an arm emerges whose gain is exactly the negligible one. The
    measure is one that cannot switch, so that every difference counts.
    """
    rng = np.random.default_rng(seed)
    wrong: Counter[str] = Counter()
    any_wrong = 0
    for _ in range(studies):
        found = _wrong_claims(variances, (seeds, draws, items), rng)
        wrong.update(found)
        any_wrong += bool(found)
    return FalseVerdicts(studies, any_wrong / studies, {claim: n / studies for claim, n in sorted(wrong.items())})


def _wrong_claims(variances: Variances, shape: tuple[int, int, int], rng: Rng) -> list[str]:
    arms = _arms(variances, (1.0, 1.0, 10.0, 3.0, 0.3), shape, rng)
    gain, zero, right = _arms(variances, (1.0, 1.0, 1.0), shape, rng)
    barely = _arms(variances, (1.0,), shape, rng)[0] + NEGLIGIBLE
    asked = {
        "differs a b": _differs(arms[0], arms[1]),
        "differs a c": _differs(arms[0], arms[2]),
        "synergy": _better(arms[3], arms[:3]),
        "size_effect": _better(arms[4], arms[2:3]),
        "emerges without gain": _emerges(gain, zero, right),
        "emerges with the negligible gain": _emerges(barely, barely, barely),
    }
    outcomes = dict(zip(asked, decide(list(asked.values())), strict=True))
    right_ones = {"emerges with the negligible gain": "supported"}
    return [name for name, found in outcomes.items() if found.outcome not in ("undecided", right_ones.get(name))]


def _arms(variances: Variances, spreads: Sequence[float], shape: tuple[int, int, int], rng: Rng) -> list[Array]:
    """Values of arms whose own variances are so many times larger; draws and items are shared."""
    own = {name: 0.0 if name in SHARED else value for name, value in vars(variances).items()}
    together = {name: value if name in SHARED else 0.0 for name, value in vars(variances).items()}
    shared = crossed_values(Setting("", Variances(**together)), (1, *shape), rng)[0]
    return [shared + crossed_values(Setting("", Variances(**own).times(each)), (1, *shape), rng)[0] for each in spreads]


def _differs(one: Array, other: Array) -> ClaimEstimates:
    return ClaimEstimates("nats", estimate_crossed(one - other), two_sided=True)


def _better(one: Array, others: Sequence[Array]) -> ClaimEstimates:
    parts = tuple(estimate_crossed(one - other) for other in others)
    main = min(parts, key=lambda each: each.effect)
    if len(parts) == 1:
        return ClaimEstimates("nats", main)
    return ClaimEstimates("nats", replace(main, interval=interval_of_least(parts)), parts=parts)


def _emerges(gain: Array, zero: Array, right: Array) -> ClaimEstimates:
    legs = (("better than zero-shot", estimate_crossed(zero)), ("better than blind", estimate_crossed(right)))
    main = estimate_crossed(gain)
    return ClaimEstimates("nats", main, legs, hidden=hidden_in_arm(main.effect))


@dataclass(frozen=True)
class Power:
    """`effect`: the smallest that the power analysis states; `found`: share of studies that find an effect of that size."""

    effect: float
    found: float


def power(setting: Setting, seeds: int, draws: int, items: int, studies: int, claims: int = 1, seed: int = 0) -> Power:
    """Simulate the stated smallest effect. Of normal values whose variances are those of the setting."""
    effect = planned_effect(setting.variances, seeds, draws, items, claims)
    rng = np.random.default_rng(seed)
    found = 0
    for start in range(0, studies, CHUNK):
        values = crossed_values(setting, (min(CHUNK, studies - start), seeds, draws, items), rng) + effect
        sure = uncertainty(mean_squares(values))
        p_N = 2 * stats.t.sf(np.abs(values.mean((1, 2, 3))) / sure.error, sure.df)
        found += int(np.sum(p_N < ALPHA / claims))
    return Power(effect, found / studies)
