"""Onsets that were seen beside those that bigram repetition predicts."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from ablations.core.results.readings import Name
from ablations.statistics.cell_result import CellResult
from ablations.statistics.rank_correlation import RankCorrelation, spearman

ONSET_FACTOR = 10**5.7  # read second-hand
REPETITION = "bigram_repetition"
DEFAULT_MEASURE = "repeated_tokens.first_minus_second"

Row = dict[str, Any]


def predicted_onset(tokens_a_step: float, relative_repetition: float = 1.0) -> float:
    """Training tokens to the onset of induction heads, by a hypothesis that studies here are to test.

    10^5.7 * sqrt(B * C), with B sequences a step and C tokens a sequence: 8 x 128 gives 16 million, 16 x 512 gives 45. It says
    nothing of the corpus. That the onset is later in inverse proportion to repetition is our own reading, and relative only, for
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


def onset_rows(cells: Iterable[CellResult], measure: str = DEFAULT_MEASURE) -> list[Row]:
    """One row a cell that has the onset of this measure and the repetition of its mixture.

    `observed_after`, `observed_by`, `observed_at`: tokens; the latter two are None where the onset is censored. `frequency`,
    `reliability`, `product`: of bigrams in its training windows. `predicted_by_size`: by the bare formula.
    `predicted`: with this row's product relative to the median of all rows, so that among these cells more repetition means an
    earlier onset; None without any repetition. Both are a hypothesis under test.
    """
    rows = [row for cell in cells if (row := _row(cell, measure))]
    usual = median([row["product"] for row in rows]) if rows else 0.0
    for row in rows:
        able = row["product"] > 0 and usual > 0
        row["predicted"] = predicted_onset(row["tokens_a_step"], row["product"] / usual) if able else None
    return rows


def onset_correlation(rows: Sequence[Mapping[str, Any]]) -> RankCorrelation:
    """Rank correlation over arms of predicted against observed onset, each the median of an arm's seeds.

    A censored onset counts as later than all that were seen. A censored cell that ended before the latest seen onset says too
    little for that and is left out.
    """
    seen = [row["observed_at"] for row in rows if row["observed_at"] is not None]
    latest = max(seen, default=0)
    observed, predicted = defaultdict(list), defaultdict(list)
    for row in rows:
        censored = row["observed_at"] is None
        if row["predicted"] is None or (censored and row["observed_after"] < latest):
            continue
        observed[row["arm"]].append(math.inf if censored else row["observed_at"])
        predicted[row["arm"]].append(row["predicted"])
    return spearman([median(predicted[arm]) for arm in observed], [median(observed[arm]) for arm in observed])


def _row(cell: CellResult, measure: str) -> Row | None:
    found = cell.onsets.get(measure)
    repetition = {
        name: cell.values.get(Name(REPETITION, name).text) for name in ("frequency", "reliability", "product")
    }
    if found is None or None in repetition.values():
        return None
    tokens_a_step = cell.training["tokens"] / cell.training["steps"]
    return {
        "arm": cell.arm,
        "seed": cell.seed,
        "measure": measure,
        "observed_after": found["after_tokens"],
        "observed_by": found["by_tokens"],
        "observed_at": found["at_tokens"],
        **repetition,
        "tokens_a_step": tokens_a_step,
        "predicted_by_size": predicted_onset(tokens_a_step),
    }
