"""Verdicts on registered claims, with what becomes of each at other values of the nuisances that it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ablations.claims.verdicts import Verdict, decide, judge
from ablations.settings.study import Study
from ablations.settings.variants import Variant, variants_of_claim, varied_arms
from ablations.statistics.claim_estimates import ClaimEstimates
from ablations.statistics.measures import Measures


def robust_verdicts(study: Study, measures: Measures) -> list[Verdict]:
    """All registered claims together; a verdict whose claim has `robust_over` says where else it holds.

    Claims about all arms are about those that the study names, not about those that `robust_over` added.
    """
    claims = [claim for claim in study.claims if not claim.after_a_look]
    named = Measures.of_cells(cell for cell in measures.cells if cell.arm not in varied_arms(study))
    estimates = [claim.estimates(named) for claim in claims]
    found = []
    for place, verdict in enumerate(judge(claims, named)):
        nuisances = variants_of_claim(study, claims[place])
        robust = tuple(_said(estimates, place, variants, verdict.outcome, measures) for _, variants in nuisances)
        found.append(replace(verdict, robust=robust))
    return found


def _said(
    estimates: Sequence[ClaimEstimates], place: int, variants: Sequence[Variant], outcome: str, measures: Measures
) -> str:
    """'supported in all of them: ...', or 'supported only at ...'; p is adjusted at each value over all registered claims."""
    found = {}
    for variant in variants:
        beside = [*estimates[:place], variant.claim.estimates(measures), *estimates[place + 1 :]]
        found[variant.words] = decide(beside)[place].outcome
    same = [words for words, each in found.items() if each == outcome]
    if len(same) == len(found):
        return f"{outcome} in all of them: {', '.join(found)}"
    others = "; ".join(f"{each} at {words}" for words, each in found.items() if each != outcome)
    return f"{outcome} only at {' and '.join(same)}; {others}"
