"""One source as training windows: a subset of its documents, shuffled anew each epoch, one after another, cut evenly; then the
windows are shuffled, else a document of a thousand windows would be all that a hundred steps see.

Every window is a function of its number alone: nothing is kept between steps, so a run resumes at any step at once.
Windows cut across documents; a model sees BOS where the next begins. Documents of exactly one context are never cut.

In the order "related" a document is followed by one like it (see `related.py`); where an epoch begins in that chain changes from
epoch to epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.documents import Documents
from ablations.core.data.hashing import hash_ids, hash_numbers, key_of
from ablations.core.data.related import chain
from curation.runtime.errors import InputError


def chosen_documents(documents: Documents, fraction: float, seed: int, offset: float = 0.0) -> NDArray[np.int64]:
    """Numbers of the documents that hold the tokens from `offset` to `offset + fraction` of a source, as shares of its tokens.

    Documents stand in hashed order, and one belongs where its middle is: what is in for 0.5 is in for 1.0 too, two halves share
    none, and a share of tokens is met to within half a document on either side.
    """
    order = np.argsort(hash_ids(documents.ids, "subset", seed), kind="stable")
    lengths = documents.lengths[order]
    middles = np.cumsum(lengths) - lengths / 2
    total = int(lengths.sum())
    return np.sort(order[(middles >= offset * total) & (middles < (offset + fraction) * total)])


@dataclass(frozen=True)
class Seen:
    """What a source contributed to a run, for the report. `documents_cut` of the first epoch; where windows hold several sources,
    of the documents that were seen, and `windows` are as many as its tokens fill."""

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
        order: of documents: by hash, or each followed by a related one.

    Raises:
        InputError: all documents together are shorter than one window.
    """

    def __init__(
        self, name: str, documents: Documents, subset: NDArray[np.int64], context: int, order_seed: int,
        order: Literal["hashed", "related"] = "hashed",
    ) -> None:  # fmt: skip
        self.name, self.documents, self.subset = name, documents, subset
        self.context, self.order_seed, self.order = context, order_seed, order
        self.lengths = documents.lengths[subset]
        self.tokens = int(self.lengths.sum())
        self.windows = self.tokens // context  # of one epoch
        self._epoch: tuple[int, NDArray[np.int64], NDArray[np.int64]] | None = None
        self._epoch_places: tuple[int, NDArray[np.int64]] | None = None
        if self.windows < 1:
            problem = f"{len(subset)} chosen documents of {self.tokens} tokens give no window of {context}"
            raise InputError(f"source {name}", problem, "Give it more text, a larger fraction or a shorter context.")

    @cached_property
    def _ids(self) -> NDArray[np.uint8]:
        return self.documents.ids[self.subset]

    def window(self, number: int) -> NDArray[np.int64]:
        """`context` + 1 tokens. The last target of an epoch is the first token of that epoch (BOS)."""
        epoch, place = divmod(number, self.windows)
        order, starts = self._shuffled(epoch)
        start, wanted = int(self._places(epoch)[place]) * self.context, self.context + 1
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
            order = self._by_hash(epoch)
            if self.order == "related":
                turn = key_of("turn", self.order_seed, self.name, epoch) % len(order)
                order = np.roll(self._chain, -turn)
            starts = np.concatenate(([0], np.cumsum(self.lengths[order])[:-1]))
            self._epoch = epoch, self.subset[order], starts
        return self._epoch[1], self._epoch[2]

    def _by_hash(self, epoch: int) -> NDArray[np.int64]:
        return np.argsort(hash_ids(self._ids, "order", self.order_seed, self.name, epoch), kind="stable")

    @cached_property
    def _chain(self) -> NDArray[np.int64]:
        """Places in the subset, each followed by one whose document is like its own."""
        start = self._by_hash(0)
        return start[chain(self.documents, self.subset[start])]

    def _places(self, epoch: int) -> NDArray[np.int64]:
        """The order in which the windows of an epoch come: those of a long document should not meet in one step."""
        if self._epoch_places is None or self._epoch_places[0] != epoch:
            places = np.argsort(hash_numbers(self.windows, "places", self.order_seed, self.name, epoch), kind="stable")
            self._epoch_places = epoch, places
        return self._epoch_places[1]

    def first_start(self, token: int) -> int:
        """Where in all epochs one after another the first document begins that does not begin before `token`."""
        epoch, inside = divmod(token, self.tokens)
        _, starts = self._shuffled(epoch)
        at = int(np.searchsorted(starts, inside))
        return epoch * self.tokens + (int(starts[at]) if at < len(starts) else self.tokens)

    def documents_from(self, low: int, high: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Numbers of the documents that begin from `low` to below `high` in all epochs one after another, and their epochs."""
        found: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        epochs: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        for epoch in range(low // self.tokens, -(-high // self.tokens)):
            order, starts = self._shuffled(epoch)
            first, last = np.searchsorted(starts, (low - epoch * self.tokens, high - epoch * self.tokens))
            found.append(order[first:last])
            epochs.append(np.full(last - first, epoch))
        return np.concatenate(found), np.concatenate(epochs)

    def seen(self, windows: int) -> Seen:
        """What this source contributes in its first `windows` windows."""
        _, starts = self._shuffled(0)
        was_seen = np.zeros(self.windows + 1, bool)  # the last one is the rest that an epoch loses
        was_seen[self._places(0)[: min(windows, self.windows)]] = True
        return Seen(
            windows=windows,
            tokens=windows * self.context,
            repetitions=windows * self.context / self.tokens,
            documents_chosen=len(self.subset),
            documents_seen=self._touching(starts, was_seen),
            documents_cut=self._cut(starts),
            tokens_chosen=self.tokens,
            tokens_lost_an_epoch=self.tokens - self.windows * self.context,
        )

    def _windows_of(self, starts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first and the last window of each document, in the first epoch."""
        order = np.append(starts, self.tokens)
        return order[:-1] // self.context, (order[1:] - 1) // self.context

    def _touching(self, starts: NDArray[np.int64], was_seen: NDArray[np.bool_]) -> int:
        """Documents of which one of these windows holds a token."""
        before = np.concatenate(([0], np.cumsum(was_seen)))
        first, last = self._windows_of(starts)
        return int((before[last + 1] > before[first]).sum())

    def _cut(self, starts: NDArray[np.int64]) -> int:
        """Documents that a window border cuts, in the first epoch."""
        first, last = self._windows_of(starts)
        return int((first != last).sum())
