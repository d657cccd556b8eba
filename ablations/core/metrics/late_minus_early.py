"""How much a model gains from context within one document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.documents import Documents
from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.metrics.base import Measured, Metric
from ablations.core.model.model import Model
from ablations.core.results.readings import STANDARD_ERROR, Better, Reading
from ablations.core.scoring.scoring import token_losses

OLSSON_CONTEXT, OLSSON_EARLY, OLSSON_LATE = 512, 50, 500
ICL_SCORE = "icl_score"
DECIMALS = 5  # of a curve's losses: far below their errors

Losses = NDArray[np.float64]  # (documents, tokens after BOS)


class LateMinusEarly(Metric):
    """Mean loss late in a document minus mean loss early; negative when context helps.

    Over the first context of documents that have so many tokens, so that no window crosses a border; at most
    `effort.windows` of a source. Token t is the t-th after BOS. Olsson's tokens 50 and 500 of 512 are scaled to the context
    and widened to small bands of an even number of tokens, for less noise (and as many keys as values in a control document).

    `<name>` is a source, `pooled` (all windows) or `common` (as many windows of every source that has any, the first in
    hashed order: the same documents for every arm). Where the context is at least 512, `<name>.icl_score` is the original:
    token 500 minus token 50 in the first 512 tokens of documents of at least 512. `.standard_error` is over documents,
    within sources; absent when a source gave one document. The loss at each token is kept in the details.

    Source: Olsson et al. 2022, https://arxiv.org/abs/2209.11895, "In-context learning score" (10,000 windows there).
    """

    kind: ClassVar[str] = "late_minus_early"
    version: ClassVar[int] = 2
    unit: ClassVar[str] = "nats per token"
    better: ClassVar[Better] = "lower"
    in_curve: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset({"heldout", "windows"})

    def measure(self, model: Model, data: EvaluationData) -> Measured:
        early, late = bands(data.context)
        losses = first_losses(model, data, data.context)
        readings = self._differences(losses, early, late)
        positions = {"early": [early.start, early.stop - 1], "late": [late.start, late.stop - 1]}
        details: dict[str, object] = {"tokens_inclusive": positions, "loss_by_token": mean_curves(losses)}
        if data.context >= OLSSON_CONTEXT:
            original = losses if data.context == OLSSON_CONTEXT else first_losses(model, data, OLSSON_CONTEXT)
            early, late = range(OLSSON_EARLY, OLSSON_EARLY + 1), range(OLSSON_LATE, OLSSON_LATE + 1)
            readings += self._differences(original, early, late, ICL_SCORE)
            if original is not losses:
                details["icl_loss_by_token"] = mean_curves(original)
        return Measured(readings, details=details)

    def _differences(self, losses: Mapping[str, Losses], early: range, late: range, which: str = "") -> list[Reading]:
        """Late minus early of each source, of all windows pooled and of the common set, with standard errors."""
        readings: list[Reading] = []
        where = f"tokens {late.start} to {late.stop - 1} less {early.start} to {early.stop - 1}"
        about = "ICL score (token 500 minus 50)" if which == ICL_SCORE else "late-minus-early loss"
        for source, strata in sets_of(losses).items():
            value, error, n = difference(strata, early, late)
            fields = {"source": source, "n": {"windows": n}, "position": where}
            readings.append(self.reading(value, which, words=f"{about}, {source}", **fields))
            if error is not None:
                name = f"{which}.{STANDARD_ERROR}".lstrip(".")
                readings.append(
                    self.reading(
                        error, name, words=f"standard error of {about}, {source}", **{**fields, "better": None}
                    )
                )
        return readings


def bands(context: int) -> tuple[range, range]:
    """Token numbers counted as early and as late, for windows of BOS and `context` - 1 tokens."""
    width = max(2, context // 32 // 2 * 2)
    middle = round(OLSSON_EARLY / OLSSON_CONTEXT * context)
    stop = min(context, round(OLSSON_LATE / OLSSON_CONTEXT * context) + width // 2 + 1)
    start = max(1, middle - width // 2 + 1)
    return range(start, start + width), range(stop - width, stop)


def first_windows(documents: Documents, data: EvaluationData, length: int) -> Sequence[NDArray[np.uint16]]:
    """The first `length` tokens of the first documents, in hashed order, that have so many: one window a document."""
    order = data.hashed_order(documents)
    long_enough = order[documents.lengths[order] >= length]
    return [documents.of(index)[:length] for index in long_enough[: data.windows]]


def first_losses(model: Model, data: EvaluationData, length: int) -> dict[str, Losses]:
    """Of each source: losses of shape (windows, `length` - 1), column 0 being token 1."""
    found = {}
    for source, documents in data.heldout.items():
        rows = token_losses(model, first_windows(documents, data, length), data.batch)
        found[source] = np.stack(rows).astype(np.float64) if rows else np.zeros((0, length - 1))
    return found


def equal_windows(losses: Mapping[str, Losses]) -> list[Losses]:
    """As many windows of every source that has any."""
    having = [rows for rows in losses.values() if len(rows)]
    fewest = min(map(len, having), default=0)
    return [rows[:fewest] for rows in having]


def sets_of(losses: Mapping[str, Losses]) -> dict[str, list[Losses]]:
    """Windows by what they speak for: each source, all of them pooled, and as many of each."""
    sets = {source: [rows] for source, rows in losses.items()}
    return {**sets, "pooled": [rows for rows in losses.values() if len(rows)], "common": equal_windows(losses)}


def difference(strata: Sequence[Losses], early: range, late: range) -> tuple[float | None, float | None, int]:
    """Late minus early over all windows of the strata, its standard error over documents within strata, and their number."""
    each = [rows[:, _columns(late)].mean(1) - rows[:, _columns(early)].mean(1) for rows in strata]
    total = sum(map(len, each))
    if not total:
        return None, None, 0
    value = float(np.concatenate(each).mean())
    if min(map(len, each)) < 2:
        return value, None, total
    variance = sum(len(stratum) * float(stratum.var(ddof=1)) for stratum in each) / total**2
    return value, variance**0.5, total


def _columns(tokens: range) -> slice:
    return slice(tokens.start - 1, tokens.stop - 1)


def mean_curves(losses: Mapping[str, Losses]) -> dict[str, list[float]]:
    """Mean loss at tokens 1, 2, ... of each source that has windows, and of the common set; their n are the readings'."""
    sets = {source: rows for source, rows in losses.items() if len(rows)}
    if sets:
        sets["common"] = np.concatenate(equal_windows(losses))
    return {name: [round(float(loss), DECIMALS) for loss in rows.mean(0)] for name, rows in sets.items()}
