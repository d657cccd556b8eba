"""What seeds in which nothing has switched do not show.

In-context learning happens in some seeds and not in others. Seeds without it lie close together, a little above or below zero, so
that the interval of their mean excludes zero; but the next seed may gain five nats, in either arm. Such an interval therefore
decides nothing: neither that a task does not emerge, nor which of two arms has the larger mean.
"""

from __future__ import annotations

from ablations.core.results.readings import FEW_SHOT, GAIN, Name
from ablations.statistics.cell_result import CellResult
from ablations.statistics.contrast import ACCURACY
from ablations.statistics.measures import Measures
from ablations.statistics.paired import ALPHA, Estimate
from ablations.statistics.permutation import least_sign_flip_p, sign_flip_p

# A gain below this is none: the limit that controls keep, in nats; of accuracy it is a share.
NEGLIGIBLE = 0.05
COPYING = ("context_gain", "order")  # metric and reading, in nats a repeat; per byte nobody knows what is negligible


def switches(measure: str) -> bool:
    """Whether the measure, named in full, is one of which it is known what a run without in-context learning shows."""
    name = Name.parse(measure)
    if name.metric == FEW_SHOT:
        return name.reading in (GAIN, ACCURACY)
    metric, reading = COPYING
    return name.metric == metric and name.reading.rpartition(".")[2] == reading


def hidden_in_arm(effect: float) -> str:
    """Why a mean gain does not decide whether a task emerges; empty where it does."""
    if effect < NEGLIGIBLE:
        return f"a gain below {NEGLIGIBLE:g} shows no seed with a switch and rules out none: share_emerges counts them"
    return ""


def hidden_between(measures: Measures, arms: tuple[str, str], measure: str, difference: Estimate) -> str:
    """Why a difference of two arms in a measure decides nothing; empty where it does.

    It decides in a measure that cannot switch, and where all seeds of both arms have switched. Else, if it is known what a run
    without a switch shows, it has to be more than negligible, and some seed of either arm must have switched. In every case the
    signs of seeds have to agree: differences of 5, 0 and -5 nats are no normal numbers, and by Student's t alone 5.6 % of studies
    of eight seeds were wrong where half of the seeds of both arms switch.
    """
    if measures.is_smooth(measure):
        return ""
    switched = [_switched(measures, arm, measure) for arm in arms]
    known = [each for each in switched if each is not None]
    may = f"{measure} may switch in some seeds, and"
    if len(known) == len(arms):
        if all(all(each) for each in known):
            return ""
        if abs(difference.effect) < NEGLIGIBLE:
            return f"{may} seeds without a switch may differ by less than {NEGLIGIBLE:g}"
        if not any(any(each) for each in known):
            return f"{may} has switched in none of these"
    if least_sign_flip_p(difference.n) < ALPHA <= sign_flip_p(difference.seed_means):
        return f"{may} the seeds could differ so by chance (exact test of signs)"
    return ""


def _switched(measures: Measures, arm: str, measure: str) -> list[bool] | None:
    """Of every seed, whether the measure is better by more than what is negligible than in a run without in-context learning; None
    where nobody knows what such a run shows."""
    cells = [cell for cell in measures.cells_of(arm) if measure in cell.values]
    rests = [_at_rest(cell, measure) for cell in cells]
    known = [rest for rest in rests if rest is not None]
    if len(known) < len(cells):
        return None
    return [cell.values[measure] >= rest + NEGLIGIBLE for cell, rest in zip(cells, known, strict=True)]


def _at_rest(cell: CellResult, measure: str) -> float | None:
    """What the measure is in a run without in-context learning: no gain, the accuracy of the strongest blind guess."""
    name, reading = Name.parse(measure), cell.readings[measure]
    if name.reading == GAIN or (reading.metric, reading.reading) == COPYING:
        return 0.0
    if name.reading == ACCURACY:
        return cell.values.get(Name(FEW_SHOT, f"blind_{ACCURACY}", task=name.task, k=name.k).text)
    return None
