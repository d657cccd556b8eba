"""One source as training windows: a subset of its documents, shuffled anew each epoch, one after another, cut evenly.

Every window is a function of its number alone: nothing is kept between steps, so a run resumes at any step at once.
Windows cut across documents; a model sees BOS where the next begins. Documents of exactly one context are never cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablations.core.documents import Documents
from ablations.core.hashing import below, hash_ids
from curation.runtime.errors import InputError


def chosen(documents: Documents, fraction: float, seed: int, offset: float = 0.0) -> NDArray[np.int64]:
    """Numbers of the documents whose hash lies from `offset` to below `offset + fraction` of all hashes."""
    hashes = hash_ids(documents.ids, "subset", seed)
    inside = below(hashes, offset + fraction)
    return np.flatnonzero(inside & ~below(hashes, offset) if offset else inside)


@dataclass(frozen=True)
class Seen:
    """What one source gave to a run, for the report."""

    windows: int
    tokens: int
    repetitions: float
    documents_chosen: int
    documents_seen: int
    documents_cut: int
    tokens_chosen: int
    tokens_lost_an_epoch: int


class PackedSource:
    """Windows of `context` inputs and as many targets (one token further on).

    Args:
        name: for messages and so that two sources shuffle apart.
        documents: all of the source.
        subset: numbers of the documents to use.
        context: tokens a window.
        order_seed: of the shuffles.

    Raises:
        InputError: all documents together are shorter than one window.
    """

    def __init__(
        self, name: str, documents: Documents, subset: NDArray[np.int64], context: int, order_seed: int
    ) -> None:
        self.name, self.documents, self.subset = name, documents, subset
        self.context, self.order_seed = context, order_seed
        self.lengths = documents.lengths[subset]
        self.tokens = int(self.lengths.sum())
        self.windows = self.tokens // context  # of one epoch
        self._epoch: tuple[int, NDArray[np.int64], NDArray[np.int64]] | None = None
        if self.windows < 1:
            found = f"{len(subset)} chosen documents of {self.tokens} tokens give no window of {context}"
            raise InputError(f"source {name}", found, "Give it more text, a larger fraction or a shorter context.")

    @cached_property
    def _ids(self) -> NDArray[np.uint8]:
        return self.documents.ids[self.subset]

    def window(self, number: int) -> NDArray[np.int64]:
        """`context` + 1 tokens. The last target of an epoch is the first token of that epoch (BOS)."""
        epoch, place = divmod(number, self.windows)
        order, starts = self._shuffled(epoch)
        start, wanted = place * self.context, self.context + 1
        at = int(np.searchsorted(starts, start, side="right")) - 1
        parts: list[NDArray[np.uint16]] = []
        skip = start - int(starts[at])
        while wanted > 0:
            piece = self.documents.of(int(order[at % len(order)]))[skip : skip + wanted]
            parts.append(piece)
            wanted, skip, at = wanted - len(piece), 0, at + 1
        return np.concatenate(parts).astype(np.int64)

    def _shuffled(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Documents in the order of an epoch, and where each starts; the last epoch asked for is remembered."""
        if self._epoch is None or self._epoch[0] != epoch:
            order = np.argsort(hash_ids(self._ids, "order", self.order_seed, self.name, epoch), kind="stable")
            starts = np.concatenate(([0], np.cumsum(self.lengths[order])[:-1]))
            self._epoch = epoch, self.subset[order], starts
        return self._epoch[1], self._epoch[2]

    def seen(self, windows: int) -> Seen:
        """What the first `windows` windows of this source amount to."""
        first_epoch = min(windows, self.windows) * self.context
        _, starts = self._shuffled(0)
        return Seen(
            windows=windows,
            tokens=windows * self.context,
            repetitions=windows / self.windows,
            documents_chosen=len(self.subset),
            documents_seen=int((starts < first_epoch).sum()),
            documents_cut=self._cut(starts),
            tokens_chosen=self.tokens,
            tokens_lost_an_epoch=self.tokens - self.windows * self.context,
        )

    def _cut(self, starts: NDArray[np.int64]) -> int:
        """Documents that a window border runs through, in the first epoch."""
        order = np.append(starts, self.tokens)
        first, last = order[:-1] // self.context, (order[1:] - 1) // self.context
        return int((first != last).sum())
