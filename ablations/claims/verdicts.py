"""Each registered claim ends as supported, contradicted or undecided, with effect, interval, n and what could be seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ablations.claims.base import Claim
from ablations.claims.registry import CLAIMS
from ablations.statistics.adjustment import benjamini_hochberg, holm
from ablations.statistics.claim_estimates import ClaimEstimates
from ablations.statistics.crossed import LEVEL
from ablations.statistics.measures import Measures
from ablations.statistics.paired import ALPHA, LEAST_FOR_INTERVAL, LEAST_FOR_VERDICT, Estimate
from ablations.statistics.permutation import sign_flip_p
from curation.runtime.registry import Plugin

Decided = Literal["supported", "contradicted", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """One claim's outcome, with everything that a reader needs to doubt it.

    Attributes:
        p: two-sided, of the variance components' t.
        p_adjusted: by Holm over the registered claims, by Benjamini and Hochberg over what is exploratory.
        smallest_effect: what this design finds with a chance of 80 % at the strictest threshold of Holm.
        seeds: arms where `counts_over` is arm.
        permutation_p: exact, over seeds alone: a second look without any distribution, which decides nothing.
        measures: what the claim is about, by full name.
        relation: the effect says how its two measures go together; else a positive one is better.
        short: the outcome as a lead would say it.
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


def judge(claims: Sequence[Claim], measures: Measures) -> list[Verdict]:
    """All registered claims together, p-values adjusted over them (Holm)."""
    questions = [claim.estimates(measures) for claim in claims]
    return _verdicts(claims, questions, measures, holm)


def exploratory(
    measures: Measures, arms: Sequence[str], registered: Sequence[Claim] = (), plugins: Sequence[Plugin] = ()
) -> list[Verdict]:
    """What nobody registered: what every kind of claim says of each task unasked, such as emergence in every arm.

    p-values are adjusted over all of it (Benjamini and Hochberg), so that a share of 5 % of what it finds is expected to be wrong.

    Args:
        registered: claims that are judged elsewhere and left out here.
        plugins: files with further kinds of claims.
    """
    known = {claim.key() for claim in registered}
    claims: list[Claim] = []
    for task, k in measures.largest_k().items():
        of_task = [claim for kind in CLAIMS.classes(plugins).values() for claim in kind.unregistered(task, k, arms)]
        claims += sorted(of_task, key=lambda claim: len(claim.arms_named()))  # first what is said of one arm
    claims = [claim for claim in claims if claim.key() not in known]
    questions = [claim.estimates(measures) for claim in claims]
    asked = [(claim, each) for claim, each in zip(claims, questions, strict=True) if each.main is not None]
    found = _verdicts([c for c, _ in asked], [q for _, q in asked], measures, benjamini_hochberg)
    return [replace(verdict, registered=False) for verdict in found]


def _verdicts(
    claims: Sequence[Claim],
    questions: Sequence[ClaimEstimates],
    measures: Measures,
    adjust: Callable[[Sequence[float]], list[float]],
) -> list[Verdict]:
    outcomes = decide(questions, adjust)
    return [_verdict(*each, measures) for each in zip(claims, questions, outcomes, strict=True)]


@dataclass(frozen=True)
class Decision:
    """What became of a question among others; `alpha`: the strictest threshold that its p had to meet."""

    outcome: Decided
    why: str
    p_adjusted: float | None
    alpha: float


def decide(
    questions: Sequence[ClaimEstimates], adjust: Callable[[Sequence[float]], list[float]] = holm
) -> list[Decision]:
    """Outcomes of questions that are asked together."""
    # what has no p yet counts as 1: a verdict on a half-finished study then stays when the other cells are there
    adjusted = adjust([1.0 if each.p is None else each.p for each in questions])
    together = max(1, len(questions))
    found = []
    for each, value in zip(questions, adjusted, strict=True):
        own = None if each.p is None else value
        found.append(Decision(*_outcome(each, own, together), own, ALPHA / together))
    return found


def _outcome(asked: ClaimEstimates, p_adjusted: float | None, together: int) -> tuple[Decided, str]:
    found = asked.main
    if found is None:
        return "undecided", asked.missing
    if found.interval is None or p_adjusted is None:
        return "undecided", _why_points(found.n)
    if min(found.n, found.n if asked.seeds is None else asked.seeds) < LEAST_FOR_VERDICT:
        return "undecided", f"no verdict below {LEAST_FOR_VERDICT} seeds"
    # the interval of a rank correlation is no inversion of its exact test, so both have to say so
    clear = p_adjusted < ALPHA and not found.interval[0] <= 0 <= found.interval[1]
    if clear and (asked.two_sided or found.effect > 0):
        return "supported", f"the interval excludes zero, adjusted p = {p_adjusted:.2g}"
    if clear:
        return "contradicted", f"the interval lies below zero, adjusted p = {p_adjusted:.2g}"
    if asked.p_of_margin * together < ALPHA:
        inside = "within ±" if asked.two_sided else "below "
        return "contradicted", (
            f"the effect lies {inside}{asked.margin:g} {asked.unit}, the smallest that counts, "
            f"adjusted p = {asked.p_of_margin * together:.2g}"
        )
    if weak := _weak_legs(asked, found):
        return "undecided", f"not shown to be {' and '.join(weak)}"
    return "undecided", f"the interval includes zero or the adjusted p = {p_adjusted:.2g} is not below {ALPHA}"


def _why_points(seeds: int) -> str:
    if seeds >= LEAST_FOR_INTERVAL:
        return f"points only: all {seeds} seeds gave the same value, so nobody knows how far seeds differ"
    return f"points only: no interval below {LEAST_FOR_INTERVAL} seeds, no verdict below {LEAST_FOR_VERDICT}"


def _weak_legs(asked: ClaimEstimates, main: Estimate) -> list[str]:
    """Legs that do not stand although the main one does."""
    if main.interval is None or main.interval[0] <= 0:
        return []
    return [name for name, leg in asked.legs if leg.interval is None or leg.interval[0] <= 0]


def _verdict(claim: Claim, asked: ClaimEstimates, outcome: Decision, measures: Measures) -> Verdict:
    found = asked.main
    within = " within this budget" if outcome.outcome == "undecided" else ""
    return Verdict(
        claim=claim.kind,
        sentence=f"{claim.sentence()}: {outcome.outcome}{within}",
        outcome=outcome.outcome,
        effect=found.effect if found else None,
        unit=asked.unit,
        interval=found.interval if found else None,
        seeds=found.n if found else 0,
        p=asked.p,
        p_adjusted=outcome.p_adjusted,
        smallest_effect=claim.smallest_seen(found, outcome.alpha) if found else None,
        why=outcome.why,
        evidence=tuple(measures.evidence(claim.arms_named() or measures.arms())),
        registered=True,
        level=LEVEL,
        draws=found.draws if found else None,
        items=found.items if found else None,
        permutation_p=sign_flip_p(found.seed_means) if found and len(found.seed_means) >= LEAST_FOR_INTERVAL else None,
        measures=asked.measures,
        counts_over=claim.counts_over,
        relation=claim.relation,
        short=claim.short(outcome.outcome, found.effect if found else 0.0),
    )
