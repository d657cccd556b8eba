"""Compression of held-out text, comparable across tokenizers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.documents import Documents
from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.hashing import hash_ids
from ablations.core.metrics.base import Items, Measured, Metric
from ablations.core.metrics.ratio import ratio_of_sums, sums
from ablations.core.model.model import Model
from ablations.core.results.readings import Better, Reading
from ablations.core.scoring.scoring import token_losses


class BitsPerByte(Metric):
    """Bits that the model needs for a byte of held-out text, per source; lower is better.

    Nats of the tokens of some windows, over ln 2 and over their UTF-8 bytes. A document is cut into windows of the context; each is
    predicted after BOS alone, so no token sees another document, and the first tokens of a later window do not see the window
    before. Windows are taken from every document in turn, one by hash in each round, so that no long document stands for a
    source; the bytes of a window are its share, by tokens, of those of its document. Documents are the items.
    """

    kind: ClassVar[str] = "bits_per_byte"
    version: ClassVar[int] = 2
    unit: ClassVar[str] = "bits per UTF-8 byte"
    better: ClassVar[Better] = "lower"
    in_curve: ClassVar[bool] = True
    by_source: ClassVar[bool] = True
    tokenizer_free: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset({"heldout", "windows"})

    def measure(self, model: Model, data: EvaluationData) -> Measured:
        readings: list[Reading] = []
        items = {}
        for source, documents in data.heldout.items():
            chosen = windows_in_turn(documents, data)
            losses = token_losses(
                model, [chosen.tokens(documents, data.context, i) for i in range(len(chosen))], data.batch
            )
            bits = np.array([row.astype(np.float64).sum() / math.log(2) for row in losses])
            documents_D, which_N = np.unique(chosen.document_N, return_inverse=True)
            bits_D, bytes_D = (sums(which_N, each_N, len(documents_D)) for each_N in (bits, chosen.bytes_N))
            ratio = ratio_of_sums(bits_D, bytes_D, documents_D, len(chosen))
            n = {"documents": len(documents_D), "windows": ratio.n, "tokens": sum(map(len, losses))}
            reading = self.reading(ratio.value, source=source, n=n, words=f"bits per byte, {source}", moves="smoothly")
            readings += [reading, *self.standard_error(reading, ratio.error)]
            items[reading.name] = Items.of_documents(documents.ids[documents_D], ratio.values)
        return Measured(readings, items)


@dataclass(frozen=True)
class ChosenWindows:
    """Windows of documents: the number of the document, where the window starts in it, and its bytes."""

    document_N: NDArray[np.int64]
    start_N: NDArray[np.int64]
    bytes_N: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.document_N)

    def tokens(self, documents: Documents, context: int, number: int) -> NDArray[np.uint16]:
        """BOS and up to `context` tokens."""
        whole, start = documents.of(int(self.document_N[number])), int(self.start_N[number])
        return np.concatenate((whole[:1], whole[start : start + context]))


def windows_in_turn(documents: Documents, data: EvaluationData) -> ChosenWindows:
    """`data.windows` windows: of each document, in hashed order, one in each round, until there are enough or no more."""
    lengths = documents.lengths - 1  # without BOS
    counts = -(-lengths // data.context)
    order = data.hashed_order(documents)
    order = order[counts[order] > 0]
    turns = hash_ids(documents.ids, "window", data.seed)
    chosen: list[tuple[int, int]] = []
    for turn in range(int(counts.max(initial=0))):
        for number in order[counts[order] > turn].tolist():
            if len(chosen) == data.windows:
                break
            chosen.append((number, (int(turns[number] % np.uint64(counts[number])) + turn) % int(counts[number])))
    document_N, place_N = np.array(chosen, np.int64).reshape(-1, 2).T
    start_N = 1 + place_N * data.context
    tokens_N = np.minimum(lengths[document_N] - place_N * data.context, data.context)
    return ChosenWindows(document_N, start_N, documents.utf8_bytes[document_N] * tokens_N / lengths[document_N])
