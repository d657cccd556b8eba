"""Observed onsets and those that bigram repetition predicts."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from ablations.core.results.readings import Name
from ablations.statistics.cell_result import CellResult
from ablations.statistics.rank_correlation import RankCorrelation, spearman

ONSET_FACTOR = 10**5.7  # read second-hand
REPETITION = "bigram_repetition"
DEFAULT_MEASURE = "repeated_tokens.first_minus_second"


@dataclass(frozen=True)
class OnsetPrediction:
    """The onset of one cell that bigram repetition of its training mixture predicts, and the observed one.

    `observed_after`, `observed_by`, `observed_at`: tokens; the latter two are None where the onset is censored. `frequency`,
    `reliability`, `product`: of bigrams in its training windows. `predicted_by_size`: by the bare formula. `predicted`: with
    this cell's product relative to the median of all cells, so that among these more repetition means an earlier onset; None
    without any repetition. Both are a hypothesis under test.
    """

    arm: str
    seed: int
    measure: str
    observed_after: float
    observed_by: float | None
    observed_at: float | None
    frequency: float
    reliability: float
    product: float
    tokens_a_step: float
    predicted_by_size: float
    predicted: float | None


def predicted_onset(tokens_a_step: float, relative_repetition: float = 1.0) -> float:
    """Training tokens to the onset of induction heads, by a hypothesis that studies here are to test.

    10^5.7 * sqrt(B * C), with B sequences a step and C tokens a sequence: 8 x 128 gives 16 million, 16 x 512 gives 45. It does
    not depend on the corpus. That the onset is later in inverse proportion to repetition is our own reading, and relative only, for
    the repetition of the text behind the constant is not known. It cannot hold of a map known by heart, which repeats as much
    as a fresh one.

    Args:
        tokens_a_step: B * C.
        relative_repetition: `product` of the mixture over that of a mixture for which the bare formula would hold.

    Raises:
        ValueError: an argument is not positive.

    Source: Aoyama, Wilcox and Schneider 2025, https://arxiv.org/abs/2511.16893; the constant was read second-hand.
    """
    if tokens_a_step <= 0 or relative_repetition <= 0:
        raise ValueError(f"need positive numbers, got {tokens_a_step} tokens a step and {relative_repetition}")
    return ONSET_FACTOR * math.sqrt(tokens_a_step) / relative_repetition


def onset_predictions(cells: Iterable[CellResult], measure: str = DEFAULT_MEASURE) -> list[OnsetPrediction]:
    """Of each cell that has the onset of this measure and the repetition of its mixture."""
    rows = [row for cell in cells if (row := _row(cell, measure))]
    usual = median([row.product for row in rows]) if rows else 0.0
    able = [row.product > 0 and usual > 0 for row in rows]
    return [
        replace(row, predicted=predicted_onset(row.tokens_a_step, row.product / usual)) if known else row
        for row, known in zip(rows, able, strict=True)
    ]


def onset_correlation(rows: Sequence[OnsetPrediction]) -> RankCorrelation:
    """Rank correlation over arms of predicted against observed onset, each the median of an arm's seeds.

    A censored onset counts as later than all that were seen. A censored cell that ended before the latest seen onset shows too
    little for that and is left out.
    """
    seen = [row.observed_at for row in rows if row.observed_at is not None]
    latest = max(seen, default=0)
    observed: defaultdict[str, list[float]] = defaultdict(list)
    predicted: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.predicted is None or (row.observed_at is None and row.observed_after < latest):
            continue
        observed[row.arm].append(math.inf if row.observed_at is None else row.observed_at)
        predicted[row.arm].append(row.predicted)
    return spearman([median(predicted[arm]) for arm in observed], [median(observed[arm]) for arm in observed])


def _row(cell: CellResult, measure: str) -> OnsetPrediction | None:
    seen = cell.onsets.get(measure)
    frequency, reliability, product = (
        cell.values.get(Name(REPETITION, name).text) for name in ("frequency", "reliability", "product")
    )
    if seen is None or frequency is None or reliability is None or product is None:
        return None
    tokens_a_step = cell.training["tokens"] / cell.training["steps"]
    return OnsetPrediction(
        arm=cell.arm,
        seed=cell.seed,
        measure=measure,
        observed_after=seen.after_tokens,
        observed_by=seen.by_tokens,
        observed_at=seen.at_tokens,
        frequency=frequency,
        reliability=reliability,
        product=product,
        tokens_a_step=tokens_a_step,
        predicted_by_size=predicted_onset(tokens_a_step),
        predicted=None,
    )
