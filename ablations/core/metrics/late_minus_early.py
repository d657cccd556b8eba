"""How much a model gains from context within one document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.core.documents import Documents
from ablations.core.evaluation import EvaluationData
from ablations.core.metrics.base import Metric, Reading
from ablations.core.model import Model
from ablations.core.scoring import token_losses

OLSSON_CONTEXT, OLSSON_EARLY, OLSSON_LATE = 512, 50, 500


class LateMinusEarly(Metric):
    """Mean loss late in a document minus mean loss early; negative when context helps.

    Over documents of at least one context, each window one unbroken document from BOS on. Token t is the t-th after
    BOS. Olsson's tokens 50 and 500 of 512 are scaled to the context and widened to small bands of an even number of
    tokens, for less noise (and as many keys as values in a control document). Where the context is at least 512,
    `icl_score` is the original: token 500 minus token 50 of the first 512. Per source, and pooled over all windows.

    Source: Olsson et al. 2022, https://arxiv.org/abs/2209.11895, "In-context learning score".
    """

    kind: ClassVar[str] = "late_minus_early"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "nats per token"
    lower_is_better: ClassVar[bool] = True
    in_curve: ClassVar[bool] = True

    def measure(self, model: Model, data: EvaluationData) -> Reading:
        early, late = bands(data.context)
        values: dict[str, float] = {}
        n: dict[str, int] = {}
        curves: dict[str, list[float]] = {}
        rows = []
        for source, documents in data.heldout.items():
            windows = first_windows(documents, data)
            n[source] = len(windows)
            if windows:
                loss_BT = np.stack(token_losses(model, windows, data.batch)).astype(np.float64)
                rows.append(loss_BT)
                values |= gains(source, loss_BT, early, late)
                curves[source] = loss_BT.mean(0).tolist()
        n["pooled"] = sum(n.values())
        if rows:
            values |= gains("pooled", np.concatenate(rows), early, late)
        positions = {"early": [early.start, early.stop - 1], "late": [late.start, late.stop - 1]}
        return Reading(values, n, {"tokens_inclusive": positions, "loss_by_token": curves})


def bands(context: int) -> tuple[range, range]:
    """Token numbers counted as early and as late, for windows of BOS and `context` - 1 tokens."""
    width = max(2, context // 32 // 2 * 2)
    middle = round(OLSSON_EARLY / OLSSON_CONTEXT * context)
    stop = min(context, round(OLSSON_LATE / OLSSON_CONTEXT * context) + width // 2 + 1)
    start = max(1, middle - width // 2 + 1)
    return range(start, start + width), range(stop - width, stop)


def gains(name: str, loss_BT: NDArray[np.float64], early: range, late: range) -> dict[str, float]:
    """Late minus early of losses whose column 0 is token 1; and its standard error over documents."""
    each = loss_BT[:, late.start - 1 : late.stop - 1].mean(1) - loss_BT[:, early.start - 1 : early.stop - 1].mean(1)
    found = {name: float(each.mean())}
    if len(each) > 1:
        found[f"{name}.standard_error"] = float(each.std(ddof=1) / len(each) ** 0.5)
    if loss_BT.shape[1] >= OLSSON_CONTEXT - 1:
        found[f"{name}.icl_score"] = float((loss_BT[:, OLSSON_LATE - 1] - loss_BT[:, OLSSON_EARLY - 1]).mean())
    return found


def first_windows(documents: Documents, data: EvaluationData) -> Sequence[NDArray[np.uint16]]:
    """The first `context` tokens of the first documents, in hashed order, that have so many."""
    order = data.hashed_order(documents)
    long_enough = order[documents.lengths[order] >= data.context]
    return [documents.of(index)[: data.context] for index in long_enough[: data.windows]]
