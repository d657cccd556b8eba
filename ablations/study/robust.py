"""Verdicts on registered claims, with what becomes of each at other values of the nuisances that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ablations.claims.base import Claim
from ablations.claims.verdicts import Verdict, decide, judge
from ablations.settings.nuisances.learning_rate import FACTORS, LearningRate
from ablations.settings.study import Study
from ablations.settings.variants import variants_of_claim, varied_arms
from ablations.statistics.claim_estimates import ClaimEstimates
from ablations.statistics.measures import Measures
from curation.dashboard.numbers import listed

NOT_RUN, OTHER_WAY = "not run yet", "the other way round"
RATE = LearningRate.kind


def robust_verdicts(study: Study, measures: Measures) -> list[Verdict]:
    """All registered claims together; a verdict whose claim has `robust_over` says where else it holds.

    Claims about all arms are about those that the study names, not about those that `robust_over` added.
    """
    claims = [claim for claim in study.claims if not claim.after_a_look]
    named = Measures.of_cells(cell for cell in measures.cells if cell.arm not in varied_arms(study))
    estimates = [claim.estimates(named) for claim in claims]
    found = []
    for place, verdict in enumerate(judge(claims, named)):
        robust = []
        for _, variants in variants_of_claim(study, claims[place]):
            others = [*estimates[:place], *estimates[place + 1 :]]
            robust.append(_said({each.words: _at(each.claim, others, measures, study.seeds) for each in variants}))
        found.append(replace(verdict, robust=tuple(robust)))
    return found


@dataclass(frozen=True)
class _Outcome:
    """Of a claim at one value, in words; `way`: of a two-sided claim that is supported, whether its effect is positive."""

    words: str
    finished: bool = True
    way: bool | None = None


def _at(claim: Claim, others: Sequence[ClaimEstimates], measures: Measures, seeds: int) -> _Outcome:
    """p is adjusted over all registered claims."""
    run = min(len({cell.seed for cell in measures.cells_of(arm)}) for arm in claim.arms_named())
    if not run:
        return _Outcome(NOT_RUN, finished=False)
    own = claim.estimates(measures)
    outcome = decide([own, *others])[0].outcome
    if outcome == "undecided" and run < seeds:
        return _Outcome(f"undecided with {run} of {seeds} seeds", finished=False)
    two_sided = own.main is not None and own.two_sided and outcome == "supported"
    return _Outcome(outcome, way=own.main.effect > 0 if own.main and two_sided else None)


def _said(found: Mapping[str, _Outcome]) -> str:
    """'supported in all of them: ...', or 'supported only at ...; the other way round at ...'.

    Args:
        found: value of the nuisance in words -> what came out there; the arms' own value comes first.
    """
    own, *others = found.values()
    where: dict[str, list[str]] = {}
    for value, each in found.items():
        words = OTHER_WAY if each.words == own.words and each.way != own.way else each.words
        where.setdefault(words, []).append(value)
    same = where.pop(own.words)
    if not where:
        return f"{own.words} in all of them: {', '.join(same)}"
    but = ""
    if own.finished:
        but = " only" if any(each.finished and each != own for each in others) else " so far"
    return "; ".join(
        [f"{own.words}{but} at {listed(same)}", *(f"{words} at {listed(at)}" for words, at in where.items())]
    )


def one_rate(study: Study) -> str:
    """Of which verdicts nobody knows whether they hold at other learning rates, a nuisance of every verdict; else nothing."""
    claims = [claim for claim in study.claims if not claim.after_a_look]
    alone = [str(number) for number, claim in enumerate(claims, 1) if RATE not in claim.robust_over]
    if not alone or study.best_of == RATE:
        return ""
    which = "Every verdict here is" if len(alone) == len(claims) else f"Verdict {listed(alone)}: each is"
    times = listed(f"{factor:g}" for factor in FACTORS.values())
    return (
        f"{which} about the one learning rate that was run. Rankings of corpora can turn round at others: "
        f"robust_over: [{RATE}] beside a claim runs its arms at {times} times it too."
    )
