"""Each registered claim ends as supported, contradicted or undecided, with effect, interval, n and what could be seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from scipy import stats

from ablations.claims import Claim, Differs, Emerges, GoesWith, SizeEffect, Synergy, arms_of
from ablations.statistics.holm import holm
from ablations.statistics.measures import Measures
from ablations.statistics.paired import LEAST_FOR_INTERVAL, LEAST_FOR_VERDICT, Estimate, estimate

ALPHA = 0.05
LEAST_ARMS = 5  # for a correlation over arms
NEGLIGIBLE_NATS = 0.05  # an effect below this is none: the limit that the controls have to keep as well


@dataclass(frozen=True)
class Verdict:
    """One claim's outcome, with everything that a reader needs to doubt it."""

    claim: str
    sentence: str
    outcome: str
    effect: float | None
    unit: str
    interval: tuple[float, float] | None
    seeds: int
    p: float | None
    p_adjusted: float | None
    smallest_effect: float | None
    why: str
    evidence: tuple[str, ...]
    registered: bool = True
    level: float = 0.95


def judge(claims: Sequence[Claim], measures: Measures) -> list[Verdict]:
    """All registered claims together, p-values adjusted over them (Holm)."""
    found = [_judge(claim, measures) for claim in claims]
    with_p = [i for i, (estimate_, _, _) in enumerate(found) if estimate_ is not None and estimate_.p is not None]
    ps = [found[i][0].p or 0.0 for i in with_p]  # type: ignore[union-attr]
    adjusted = dict(zip(with_p, holm(ps), strict=True))
    return [
        _verdict(claim, estimate_, tests, missing, adjusted.get(i), measures)
        for i, (claim, (estimate_, tests, missing)) in enumerate(zip(claims, found, strict=True))
    ]


@dataclass(frozen=True)
class Tests:
    """How an estimate decides a claim.

    Attributes:
        others: further estimates that must all lie above zero (the legs of `emerges`), by name.
        two_sided: any direction supports the claim; else only a positive effect does.
        negligible: an interval wholly below it contradicts a one-sided claim.
    """

    unit: str
    others: tuple[tuple[str, Estimate], ...] = ()
    two_sided: bool = False
    negligible: float = 0.0


Judged = tuple[Estimate | None, Tests, str]


def _judge(claim: Claim, measures: Measures) -> Judged:
    match claim:
        case Emerges():
            return _emerges(claim, measures)
        case Differs():
            return _difference(claim.arm_a, [claim.arm_b], claim.measure, measures, two_sided=True)
        case Synergy():
            return _difference(claim.mixture, claim.parts, claim.measure, measures)
        case SizeEffect():
            return _difference(claim.large, [claim.small], claim.measure, measures)
        case GoesWith():
            return _goes_with(claim, measures)


def _emerges(claim: Emerges, measures: Measures) -> Judged:
    k = claim.k if claim.k is not None else _largest_k(claim.task, measures)
    start = f"few_shot.{claim.task}"
    gain = measures.of(claim.arm, f"{start}.k{k}.permuted_minus_gold")
    tests = Tests("nats", negligible=NEGLIGIBLE_NATS)
    if not gain:
        return None, tests, f"arm {claim.arm} has no finished cell with few-shot readings of {claim.task}"
    zero, shots = measures.of(claim.arm, f"{start}.k0.gold.nll"), measures.of(claim.arm, f"{start}.k{k}.gold.nll")
    right = measures.of(claim.arm, f"{start}.k{k}.gold.accuracy")
    blind = measures.of(claim.arm, f"{start}.k{k}.blind_accuracy")
    legs = {
        "better than zero-shot": [zero[s] - shots[s] for s in shots if s in zero],
        "better than the strongest blind guess": [right[s] - blind[s] for s in right if s in blind],
    }
    others = tuple((name, estimate(values)) for name, values in legs.items() if values)
    if len(others) < len(legs):
        return None, tests, f"arm {claim.arm} lacks zero-shot or baseline readings of {claim.task}"
    main = estimate(list(gain.values()))
    # all legs have to hold, so the weakest one speaks for the claim (an intersection-union test)
    ps = [each.p for each in (main, *(leg for _, leg in others)) if each.p is not None]
    strongest_doubt = max(ps) if main.p is not None and main.effect > 0 else main.p
    return replace(main, p=strongest_doubt), replace(tests, others=others), ""


def _largest_k(task: str, measures: Measures) -> int:
    ending = ".permuted_minus_gold"
    names = [n for n in measures.names() if n.startswith(f"few_shot.{task}.k") and n.endswith(ending)]
    return max((int(name.removesuffix(ending).rsplit(".k", 1)[1]) for name in names), default=0)


def _difference(arm: str, others: Sequence[str], measure: str, measures: Measures, two_sided: bool = False) -> Judged:
    """The arm against the best of the others, seed by seed; positive is better."""
    sign = -1.0 if measures.lower_is_better(measure) else 1.0
    mine = measures.of(arm, measure)
    theirs = [measures.of(other, measure) for other in others]
    seeds = [s for s in mine if all(s in values for values in theirs)]
    tests = Tests(unit=measures.unit(measure), two_sided=two_sided)
    if not seeds:
        return None, tests, f"no seed has {measure} in all of {', '.join([arm, *others])}"
    against = [estimate([sign * (mine[s] - values[s]) for s in seeds]) for values in theirs]
    worst = min(against, key=lambda each: each.effect)
    ps = [each.p for each in against if each.p is not None]
    if not ps:
        return worst, tests, ""
    # better than all parts: the weakest comparison decides; worse than one of them: one question a part
    return replace(worst, p=max(ps) if worst.effect > 0 else min(1.0, (worst.p or 0.0) * len(ps))), tests, ""


def _goes_with(claim: GoesWith, measures: Measures) -> Judged:
    """Over arms, each by the mean of its seeds: seeds of one arm are no further evidence on a question about arms."""
    pairs = []
    for arm in sorted({cell.arm for cell in measures.cells}):
        x, y = measures.of(arm, claim.measure_x), measures.of(arm, claim.measure_y)
        if both := sorted(set(x) & set(y)):
            pairs.append((fmean(x[seed] for seed in both), fmean(y[seed] for seed in both)))
    tests = Tests("rank correlation over arms", two_sided=True)
    if len(pairs) < LEAST_ARMS:
        return None, tests, f"{len(pairs)} arms have both measures, {LEAST_ARMS} are needed"
    xs, ys = zip(*pairs, strict=True)
    if len(set(xs)) < 2 or len(set(ys)) < 2:
        return None, tests, "one of the measures is the same in all arms"
    rho, p = (float(value) for value in stats.spearmanr(xs, ys))
    reach = stats.norm.ppf(0.975) * (1.06 / (len(pairs) - 3)) ** 0.5  # Fieller, Hartley and Pearson 1957
    return Estimate(rho, len(pairs), _fisher(rho, float(reach)), p, None), tests, ""


def _fisher(rho: float, reach: float) -> tuple[float, float]:
    z = math.atanh(max(-0.999999, min(0.999999, rho)))
    return math.tanh(z - reach), math.tanh(z + reach)


def _verdict(
    claim: Claim, found: Estimate | None, tests: Tests, missing: str, p_adjusted: float | None, measures: Measures
) -> Verdict:
    outcome, why = ("undecided", missing) if found is None else _outcome(found, tests, p_adjusted)
    arms = arms_of(claim) or sorted({cell.arm for cell in measures.cells})
    return Verdict(
        claim=claim.kind,
        sentence=f"{sentence(claim)}: {outcome}{' within this budget' if outcome == 'undecided' else ''}",
        outcome=outcome,
        effect=found.effect if found else None,
        unit=tests.unit,
        interval=found.interval if found else None,
        seeds=found.n if found else 0,
        p=found.p if found else None,
        p_adjusted=p_adjusted,
        smallest_effect=found.smallest_effect if found else None,
        why=why,
        evidence=tuple(measures.evidence(arms)),
    )


def _outcome(found: Estimate, tests: Tests, p_adjusted: float | None) -> tuple[str, str]:
    if found.interval is None or p_adjusted is None:
        return "undecided", (
            f"points only: no interval below {LEAST_FOR_INTERVAL} seeds, no verdict below {LEAST_FOR_VERDICT}"
        )
    if found.n < LEAST_FOR_VERDICT:
        return "undecided", f"no verdict below {LEAST_FOR_VERDICT} seeds"
    low, high = found.interval
    weak = [name for name, other in tests.others if other.interval is None or other.interval[0] <= 0]
    clear = p_adjusted < ALPHA and (low > 0 or (tests.two_sided and high < 0))
    if clear and not weak:
        return "supported", f"the interval excludes zero, adjusted p = {p_adjusted:.2g}"
    negligible = tests.negligible > 0 and high < tests.negligible
    if not tests.two_sided and (negligible or (high < 0 and p_adjusted < ALPHA)):
        return "contradicted", f"the interval lies below {tests.negligible:g}"
    if clear:
        return "undecided", f"not shown to be {' and '.join(weak)}"
    return "undecided", f"the interval includes zero or the adjusted p = {p_adjusted:.2g} is not below {ALPHA}"


def sentence(claim: Claim) -> str:
    """The claim in words."""
    match claim:
        case Emerges():
            return f"{claim.task} emerges in arm {claim.arm}"
        case Differs():
            return f"arms {claim.arm_a} and {claim.arm_b} differ in {claim.measure}"
        case Synergy():
            return f"mixture {claim.mixture} is better in {claim.measure} than the best of {', '.join(claim.parts)}"
        case SizeEffect():
            return f"arm {claim.large} is better in {claim.measure} than the smaller {claim.small}"
        case GoesWith():
            return f"{claim.measure_x} goes with {claim.measure_y}"
