"""Compression of held-out text, comparable across tokenizers."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.documents import Documents
from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.metrics.base import Measured, Metric
from ablations.core.model.model import Model
from ablations.core.results.readings import Better, Reading
from ablations.core.scoring.scoring import token_losses


class BitsPerByte(Metric):
    """Bits that the model needs for a byte of held-out text, per source; lower is better.

    Nats of every token of the chosen documents but BOS, over ln 2 and over their UTF-8 bytes. A document is cut into
    windows of the context; each is predicted after BOS alone, so no token sees another document, and the first tokens
    of a later window do not see the window before.
    """

    kind: ClassVar[str] = "bits_per_byte"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "bits per UTF-8 byte"
    better: ClassVar[Better] = "lower"
    in_curve: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset({"heldout", "windows"})

    def measure(self, model: Model, data: EvaluationData) -> Measured:
        return Measured([self._of_source(model, data, source) for source in data.heldout])

    def _of_source(self, model: Model, data: EvaluationData, source: str) -> Reading:
        documents = data.heldout[source]
        chosen = whole_documents(documents, data)
        windows = [window for index in chosen for window in cut(documents.of(index), data.context)]
        losses = token_losses(model, windows, data.batch)
        nats = math.fsum(float(loss) for row in losses for loss in row)
        n = {
            "documents": len(chosen),
            "tokens": sum(map(len, losses)),
            "bytes": int(documents.utf8_bytes[chosen].sum()),
        }
        value = nats / math.log(2) / n["bytes"] if n["bytes"] else None
        return self.reading(value, source=source, n=n, words=f"bits per byte, {source}")


def whole_documents(documents: Documents, data: EvaluationData) -> NDArray[np.int64]:
    """As many documents in hashed order as fit into `data.windows` windows, at least one."""
    order = data.hashed_order(documents)
    windows = np.cumsum(-(-(documents.lengths[order] - 1) // data.context))
    return order[: max(1, int(np.searchsorted(windows, data.windows, side="right")))]


def cut(tokens: NDArray[np.uint16], context: int) -> list[NDArray[np.uint16]]:
    """BOS and up to `context` further tokens each; every token but BOS is in exactly one."""
    starts = range(1, len(tokens), context)
    return [np.concatenate((tokens[:1], tokens[start : start + context])) for start in starts]
