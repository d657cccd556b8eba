"""Each registered claim ends as supported, contradicted or undecided, with effect, interval, n and the smallest effect seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ablations.claims.base import Claim, Decided
from ablations.claims.registry import CLAIMS
from ablations.statistics.adjustment import benjamini_hochberg, holm
from ablations.statistics.claim_estimates import ClaimEstimates
from ablations.statistics.crossed import LEVEL
from ablations.statistics.measures import Measures
from ablations.statistics.paired import ALPHA, LEAST_FOR_INTERVAL, LEAST_FOR_VERDICT, Estimate
from ablations.statistics.permutation import sign_flip_p
from curation.runtime.registry import Plugin


@dataclass(frozen=True)
class Verdict:
    """One claim's outcome, with everything that a reader needs to doubt it.

    Attributes:
        p: two-sided, of the variance components' t.
        p_adjusted: by Holm over the registered claims, by Benjamini and Hochberg over what is exploratory.
        smallest_effect: what this design finds with a chance of 80 % at the strictest threshold of Holm.
        seeds: arms where `counts_over` is arm.
        permutation_p: exact, over seeds alone: a second look without any distribution, which decides only beside the t, of arms
            where some seeds have switched and others have not.
        measures: what the claim is about, by full name.
        relation: the effect says how its two measures go together; else a positive one is better.
        short: the outcome as a lead would say it.
        direction: which way a supported claim of two sides points, as a clause.
        expected, because: what was written of its outcome before the run.
        robust: of each nuisance, whether the outcome is the same in all of its values or only at some.
    """

    claim: str
    sentence: str
    outcome: Decided
    effect: float | None
    unit: str
    interval: tuple[float, float] | None
    seeds: int
    p: float | None
    p_adjusted: float | None
    smallest_effect: float | None
    why: str
    evidence: tuple[str, ...]
    registered: bool
    level: float
    draws: int | None
    items: int | None
    permutation_p: float | None
    measures: tuple[str, ...]
    counts_over: Literal["seed", "arm"]
    relation: bool
    short: str
    expected: str = ""
    because: str = ""
    robust: tuple[str, ...] = ()
    direction: str = ""


def judge(claims: Sequence[Claim], measures: Measures) -> list[Verdict]:
    """All registered claims together, p-values adjusted over them (Holm); those of after a look are left to `exploratory`."""
    claims = [claim for claim in claims if not claim.after_a_look]
    estimates = [claim.estimates(measures) for claim in claims]
    return _verdicts(claims, estimates, measures, holm)


def exploratory(
    measures: Measures, arms: Sequence[str], registered: Sequence[Claim] = (), plugins: Sequence[Plugin] = ()
) -> list[Verdict]:
    """Claims that were not registered: those that every kind of claim makes of each task, such as emergence in every arm.

    p-values are adjusted over all of it (Benjamini and Hochberg), so that a share of 5 % of what it finds is expected to be wrong.

    Args:
        registered: claims that are judged elsewhere and left out here.
        plugins: files with further kinds of claims.
    """
    known = {claim.key() for claim in registered if not claim.after_a_look}
    claims: list[Claim] = [claim for claim in registered if claim.after_a_look]
    for task, k in measures.largest_k().items():
        of_task = [claim for kind in CLAIMS.classes(plugins).values() for claim in kind.unregistered(task, k, arms)]
        claims += sorted(of_task, key=lambda claim: len(claim.arms_named()))  # claims about one arm first
    claims = [claim for claim in claims if claim.key() not in known]
    estimates = [claim.estimates(measures) for claim in claims]
    decidable = [(claim, each) for claim, each in zip(claims, estimates, strict=True) if each.main is not None]
    verdicts = _verdicts([c for c, _ in decidable], [q for _, q in decidable], measures, benjamini_hochberg)
    return [replace(verdict, registered=False) for verdict in verdicts]


def _verdicts(
    claims: Sequence[Claim],
    estimates: Sequence[ClaimEstimates],
    measures: Measures,
    adjust: Callable[[Sequence[float]], list[float]],
) -> list[Verdict]:
    decisions = decide(estimates, adjust)
    return [_verdict(*each, measures) for each in zip(claims, estimates, decisions, strict=True)]


@dataclass(frozen=True)
class Decision:
    """How a claim was decided among others; `alpha`: the strictest threshold that its p had to meet."""

    outcome: Decided
    why: str
    p_adjusted: float | None
    alpha: float


def decide(
    estimates: Sequence[ClaimEstimates], adjust: Callable[[Sequence[float]], list[float]] = holm
) -> list[Decision]:
    """The decisions on claims that are judged together."""
    # a claim without p counts as 1: a verdict on a half-finished study then stays when the other cells are done
    adjusted = adjust([1.0 if each.p is None else each.p for each in estimates])
    together = max(1, len(estimates))
    decisions = []
    for each, value in zip(estimates, adjusted, strict=True):
        own = None if each.p is None else value
        outcome, why = _outcome(each, own, together)
        decisions.append(Decision(outcome, f"{each.said}; {why}" if each.said else why, own, ALPHA / together))
    return decisions


def _outcome(estimates: ClaimEstimates, p_adjusted: float | None, together: int) -> tuple[Decided, str]:
    main = estimates.main
    if main is None:
        return "undecided", estimates.missing
    if main.interval is None or p_adjusted is None:
        return "undecided", _why_points(main.n)
    if min(main.n, main.n if estimates.seeds is None else estimates.seeds) < LEAST_FOR_VERDICT:
        return "undecided", f"no verdict below {LEAST_FOR_VERDICT} seeds"
    # the interval of a rank correlation is no inversion of its exact test, so both have to exclude zero
    clear = p_adjusted < ALPHA and not main.interval[0] <= 0 <= main.interval[1]
    if clear and estimates.hidden:
        return "undecided", estimates.hidden
    if clear and (estimates.two_sided or main.effect > 0):
        return "supported", f"the interval excludes zero, adjusted p = {p_adjusted:.2g}"
    if clear:
        return "contradicted", f"the interval lies below zero, adjusted p = {p_adjusted:.2g}"
    if estimates.p_of_margin * together < ALPHA:
        inside = "within ±" if estimates.two_sided else "below "
        return "contradicted", (
            f"the effect lies {inside}{estimates.margin:g} {estimates.unit}, the smallest that counts, "
            f"adjusted p = {estimates.p_of_margin * together:.2g}"
        )
    if weak := _weak_legs(estimates, main):
        return "undecided", f"not shown to be {' and '.join(weak)}"
    return "undecided", f"the interval includes zero or the adjusted p = {p_adjusted:.2g} is not below {ALPHA}"


def _why_points(seeds: int) -> str:
    if seeds >= LEAST_FOR_INTERVAL:
        return f"points only: all {seeds} seeds gave the same value, so nobody knows how far seeds differ"
    return f"points only: no interval below {LEAST_FOR_INTERVAL} seeds, no verdict below {LEAST_FOR_VERDICT}"


def _weak_legs(estimates: ClaimEstimates, main: Estimate) -> list[str]:
    """Legs that are not shown although the main estimate is."""
    if main.interval is None or main.interval[0] <= 0:
        return []
    return [name for name, leg in estimates.legs if leg.interval is None or leg.interval[0] <= 0]


def _verdict(claim: Claim, estimates: ClaimEstimates, decision: Decision, measures: Measures) -> Verdict:
    main = estimates.main
    within = " within this budget" if decision.outcome == "undecided" else ""
    return Verdict(
        claim=claim.kind,
        sentence=f"{claim.sentence()}: {decision.outcome}{within}",
        outcome=decision.outcome,
        effect=main.effect if main else None,
        unit=estimates.unit,
        interval=main.interval if main else None,
        seeds=main.n if main else 0,
        p=estimates.p,
        p_adjusted=decision.p_adjusted,
        smallest_effect=claim.smallest_seen(main, decision.alpha) if main else None,
        why=decision.why,
        evidence=tuple(measures.evidence(claim.arms_named() or measures.arms())),
        registered=True,
        level=LEVEL,
        draws=main.draws if main else None,
        items=main.items if main else None,
        permutation_p=sign_flip_p(main.seed_means) if main and len(main.seed_means) >= LEAST_FOR_INTERVAL else None,
        measures=estimates.measures,
        counts_over=claim.counts_over,
        relation=claim.relation,
        short=claim.short(decision.outcome, main.effect if main else 0.0),
        expected=claim.expected or "",
        because=claim.because.rstrip("."),
        direction=claim.direction(main.effect) if main and decision.outcome == "supported" else "",
    )
