"""How much a model gains from context within one document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.documents import Documents
from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.metrics.base import Items, Measured, Metric
from ablations.core.model.model import Model
from ablations.core.results.readings import Better, Reading
from ablations.core.scoring.scoring import token_losses

OLSSON_CONTEXT, OLSSON_EARLY, OLSSON_LATE = 512, 50, 500
ICL_SCORE = "icl_score"
CUT, KEPT_TOKENS = "cut_minus_full", 16
DECIMALS = 5  # of a curve's losses: far below their errors

Losses = NDArray[np.float64]  # (documents, tokens after BOS)


class LateMinusEarly(Metric):
    """Mean loss late in a document minus mean loss early; negative where late tokens are easier, with context or by themselves.

    A model that sees no context has such a difference too, since late text is other text than early text. `<name>.cut_minus_full`
    beside it is what the late tokens lose when BOS and the 16 tokens before them are all that is left of their context, which is 0
    without attention. That, or `context_gain`, is the measure to claim on.

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
    version: ClassVar[int] = 4
    unit: ClassVar[str] = "nats per token"
    better: ClassVar[Better] = "lower"
    in_curve: ClassVar[bool] = True
    by_source: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset({"heldout", "windows"})

    def measure(self, model: Model, data: EvaluationData) -> Measured:
        early, late = bands(data.context)
        losses = first_losses(model, data, data.context)
        found = _Differences(self, losses, early, late)
        cut = {source: _cut(model, data, source, rows, late) for source, rows in losses.items()}
        found.add(cut, f"tokens {late.start} to {late.stop - 1}", CUT, "what context more than 16 tokens away saves")
        positions = {"early": [early.start, early.stop - 1], "late": [late.start, late.stop - 1]}
        details: dict[str, object] = {"tokens_inclusive": positions, "loss_by_token": mean_curves(losses)}
        if data.context >= OLSSON_CONTEXT:
            original = losses if data.context == OLSSON_CONTEXT else first_losses(model, data, OLSSON_CONTEXT)
            early, late = range(OLSSON_EARLY, OLSSON_EARLY + 1), range(OLSSON_LATE, OLSSON_LATE + 1)
            score = _Differences(self, original, early, late, ICL_SCORE)
            found.readings += score.readings
            found.items |= score.items
            if original is not losses:
                details["icl_loss_by_token"] = mean_curves(original)
        return Measured(found.readings, found.items, details=details)


class _Differences:
    """Late minus early of each source, of all windows pooled and of the common set, with standard errors and documents."""

    def __init__(
        self, metric: LateMinusEarly, losses: Mapping[str, Windows], early: range, late: range, which: str = ""
    ) -> None:
        self.readings: list[Reading] = []
        self.items: dict[str, Items] = {}
        self.metric = metric
        where = f"tokens {late.start} to {late.stop - 1} less {early.start} to {early.stop - 1}"
        about = "ICL score (token 500 minus 50)" if which == ICL_SCORE else "late-minus-early loss"
        each = {source: rows.less(early, late) for source, rows in losses.items()}
        self.add(each, where, which, about)

    def add(self, differences: Mapping[str, Windows], where: str, which: str, about: str) -> None:
        """Readings of one number a window, which are the means of their sources, of all windows and of the common set."""
        for source, strata in sets_of(differences).items():
            each = [rows.losses[:, 0] for rows in strata]
            value, error, n = mean_over(each)
            fields = {"source": source, "n": {"windows": n}, "position": where}
            better = "higher" if which == CUT else self.metric.better
            reading = self.metric.reading(value, which, words=f"{about}, {source}", better=better, **fields)
            self.readings += [reading, *self.metric.standard_error(reading, error)]
            if n:
                ids = np.concatenate([rows.ids for rows in strata])
                self.items[reading.name] = Items.of_documents(ids, np.concatenate(each))


def bands(context: int) -> tuple[range, range]:
    """Token numbers counted as early and as late, for windows of BOS and `context` - 1 tokens."""
    width = max(2, context // 32 // 2 * 2)
    middle = round(OLSSON_EARLY / OLSSON_CONTEXT * context)
    stop = min(context, round(OLSSON_LATE / OLSSON_CONTEXT * context) + width // 2 + 1)
    start = max(1, middle - width // 2 + 1)
    return range(start, start + width), range(stop - width, stop)


@dataclass(frozen=True)
class Windows:
    """Losses at the tokens after BOS of some windows, one of each document: shapes (N, T) and (N, 16)."""

    losses: Losses
    ids: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.losses)

    def less(self, early: range, late: range) -> Windows:
        """Mean loss late minus mean loss early of each."""
        difference_N = self.losses[:, _columns(late)].mean(1) - self.losses[:, _columns(early)].mean(1)
        return Windows(difference_N[:, None], self.ids)

    def first(self, number: int) -> Windows:
        return Windows(self.losses[:number], self.ids[:number])


def filling(documents: Documents, data: EvaluationData, length: int) -> NDArray[np.int64]:
    """Numbers of the first documents, in hashed order, that have `length` tokens: one window a document."""
    order = data.hashed_order(documents)
    return order[documents.lengths[order] >= length][: data.windows]


def first_losses(model: Model, data: EvaluationData, length: int) -> dict[str, Windows]:
    """Of each source: losses in the first `length` tokens of documents that have so many, column 0 being token 1."""
    found = {}
    for source, documents in data.heldout.items():
        numbers = filling(documents, data, length)
        rows = token_losses(model, [documents.of(int(number))[:length] for number in numbers], data.batch)
        losses = np.stack(rows).astype(np.float64) if rows else np.zeros((0, length - 1))
        found[source] = Windows(losses, documents.ids[numbers])
    return found


def _cut(model: Model, data: EvaluationData, source: str, full: Windows, late: range) -> Windows:
    """What the late tokens of each window lose when `KEPT_TOKENS` are left before them, at their places: one number a window."""
    documents = data.heldout[source]
    kept = np.array([0, *range(max(1, late.start - KEPT_TOKENS), late.stop)])
    windows = [documents.of(int(number))[kept] for number in filling(documents, data, data.context)]
    rows = token_losses(model, windows, data.batch, [kept] * len(windows))
    late_N = np.array([row[-len(late) :].astype(np.float64).mean() for row in rows])
    return Windows((late_N - full.losses[:, _columns(late)].mean(1))[:, None], full.ids)


def equal_windows(losses: Mapping[str, Windows]) -> list[Windows]:
    """As many windows of every source that has any."""
    having = [rows for rows in losses.values() if len(rows)]
    fewest = min(map(len, having), default=0)
    return [rows.first(fewest) for rows in having]


def sets_of(losses: Mapping[str, Windows]) -> dict[str, list[Windows]]:
    """Windows by what they speak for: each source, all of them pooled, and as many of each."""
    sets = {source: [rows] for source, rows in losses.items()}
    return {**sets, "pooled": [rows for rows in losses.values() if len(rows)], "common": equal_windows(losses)}


def mean_over(strata: Sequence[NDArray[np.float64]]) -> tuple[float | None, float | None, int]:
    """Mean over all windows of the strata, its standard error over documents within strata, and their number."""
    total = sum(map(len, strata))
    if not total:
        return None, None, 0
    value = float(np.concatenate(list(strata)).mean())
    if min(map(len, strata)) < 2:
        return value, None, total
    variance = sum(len(stratum) * float(stratum.var(ddof=1)) for stratum in strata) / total**2
    return value, variance**0.5, total


def _columns(tokens: range) -> slice:
    return slice(tokens.start - 1, tokens.stop - 1)


def mean_curves(losses: Mapping[str, Windows]) -> dict[str, list[float]]:
    """Mean loss at tokens 1, 2, ... of each source that has windows, and of the common set; their n are the readings'."""
    sets = {source: rows.losses for source, rows in losses.items() if len(rows)}
    if sets:
        sets["common"] = np.concatenate([rows.losses for rows in equal_windows(losses)])
    return {name: [round(float(loss), DECIMALS) for loss in rows.mean(0)] for name, rows in sets.items()}
