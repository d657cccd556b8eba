"""A relation between two measures over the arms of a study."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean

from scipy import stats

from ablations.statistics.measures import Measures
from ablations.statistics.paired import ALPHA, POWER, Estimate
from ablations.statistics.rank_correlation import spearman

LEAST_ARMS = 5


def relation(measures: Measures, measure_x: str, measure_y: str) -> tuple[Estimate | None, str]:
    """Rank correlation over arms, each by the means of its seeds, or why there is none.

    Seeds of one arm are no further evidence on a question about arms. One measure is taken from every other seed, the other measure
    from the rest: what a seed does to both, such as a switch, would else relate the measures in arms that are all alike.
    """
    pairs = list(_by_arm(measures, measure_x, measure_y).values())
    if len(pairs) < LEAST_ARMS:
        return None, f"{len(pairs)} arms have both measures in two seeds or more, {LEAST_ARMS} are needed"
    found = spearman([x for x, _ in pairs], [y for _, y in pairs])
    if found.rho is None or found.interval is None:
        return None, "one of the measures is the same in all arms"
    return Estimate(found.rho, found.n, found.interval, found.p), ""


def least_seeds(measures: Measures, measure_x: str, measure_y: str) -> int:
    """Seeds of the arm that has fewest with both measures: few leave much of what a seed does in the arms' means."""
    seeds = (set(measures.of(arm, measure_x)) & set(measures.of(arm, measure_y)) for arm in measures.arms())
    return min((len(each) for each in seeds if each), default=0)


def _by_arm(measures: Measures, measure_x: str, measure_y: str) -> Mapping[str, tuple[float, float]]:
    pairs = {}
    for arm in measures.arms():
        x, y = measures.of(arm, measure_x), measures.of(arm, measure_y)
        both = sorted(set(x) & set(y))
        if len(both) > 1:
            pairs[arm] = fmean(x[seed] for seed in both[::2]), fmean(y[seed] for seed in both[1::2])
    return pairs


def smallest_correlation(arms: int, alpha: float = ALPHA) -> float:
    """The rank correlation that so many arms show with a chance of 80 %: Fisher's z with the error of Fieller et al. 1957."""
    reach = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(POWER)) * math.sqrt(1.06 / max(arms - 3, 1e-9))
    return math.tanh(reach)
