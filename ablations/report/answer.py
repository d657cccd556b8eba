"""The sentence with which a report opens: what its registered claims say to the question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ablations.claims.verdicts import Verdict
from ablations.report.contents import Instrument
from curation.dashboard.numbers import number, plural

SAID = {"supported": "It is so that", "contradicted": "It is not so that"}
MOST = 3  # claims that are told in full


def answer_of(verdicts: Sequence[Verdict], instrument: Instrument, words: Mapping[str, str]) -> str:
    """One sentence: what was decided, and what was not. `words` say what each measure is, by its full name."""
    registered = [each for each in verdicts if each.registered]
    if instrument.works is False:
        return "No answer: the instrument failed its controls."
    if not registered:
        return (
            "No claim was registered before the run, so this report answers no question; what it shows is exploratory."
        )
    decided = [each for each in registered if each.outcome in SAID]
    if not decided:
        return f"Not answered: none of {plural(len(registered), 'registered claim')} could be decided, {_first_reason(registered)}."
    told = list(_told(decided[:MOST], words))
    more = len(decided) - MOST
    if more > 0:
        told.append(f"{plural(more, 'further claim')} decided, below")
    if open_ := len(registered) - len(decided):
        told.append(f"{plural(open_, 'claim')} of {len(registered)} stayed open")
    return f"{'; '.join(told)}."


def _told(decided: Sequence[Verdict], words: Mapping[str, str]) -> Iterator[str]:
    """A clause for each claim; together they are one sentence."""
    outcome = ""
    for each in decided:
        said = SAID[each.outcome]
        begins = said if not outcome else "and that" if each.outcome == outcome else f"{said[0].lower()}{said[1:]}"
        yield f"{begins} {_claim(each, words)}{_direction(each)}{_size(each)}{_only_at(each)}"
        outcome = each.outcome


def _first_reason(verdicts: Sequence[Verdict]) -> str:
    return f"the first because {verdicts[0].why}" if verdicts[0].why else "and no reason is recorded"


def _claim(verdict: Verdict, words: Mapping[str, str]) -> str:
    """The claim as a lead reads it: measures in words."""
    claim = verdict.sentence.partition(f": {verdict.outcome}")[0]
    for measure in sorted(verdict.measures, key=len, reverse=True):
        claim = claim.replace(measure, words.get(measure, measure))
    return claim


def _direction(verdict: Verdict) -> str:
    return f": {verdict.direction}" if verdict.direction else ""


def _only_at(verdict: Verdict) -> str:
    """Where else it was tried, unless it is the same there."""
    told = [each for each in verdict.robust if " in all of them" not in each]
    return f" ({'; '.join(told)})" if told else ""


def _size(verdict: Verdict) -> str:
    """How large; of an effect whose direction is said, without its sign."""
    if verdict.effect is None or verdict.relation:
        return ""
    sign = -1 if verdict.direction and verdict.effect < 0 else 1
    ends = sorted(sign * end for end in verdict.interval or ())
    reach = f" ({' to '.join(map(number, ends))})" if ends else ""
    return f", by {number(sign * verdict.effect)} {verdict.unit}{reach}"
