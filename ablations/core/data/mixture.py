"""Which window comes when: every block of windows holds each source in exact proportion, shuffled within the block; or all
sources' documents in one stream.

The window of any place follows from its number alone. Idea: levanter's MixtureDataset,
https://github.com/marin-community/levanter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.hashing import hash_numbers
from ablations.core.data.packing import PackedSource, Seen
from curation.runtime.errors import ConfigError

BLOCK = 1024  # windows; a weight is met to within half a window in this many
ROUND = 64  # windows' worth of tokens; the documents that begin in them are shuffled


class MixedWindows:
    """Windows of several sources in the proportions of their weights.

    Args:
        sources: the packed sources.
        weights: as many positive numbers; only their ratios count. A share of windows, that is of tokens.
        seed: of the shuffles within blocks.

    Raises:
        ConfigError: a weight is so small that a block holds no window of it.
    """

    def __init__(self, sources: Sequence[PackedSource], weights: Sequence[float], seed: int) -> None:
        self.sources, self.seed = tuple(sources), seed
        self.counts = apportion(weights, BLOCK)
        for source, count in zip(self.sources, self.counts, strict=True):
            if count == 0:
                found = f"its weight is less than one window in {BLOCK}"
                raise ConfigError(f"source {source.name}: {found}. Raise its weight or leave it out.")
        self._block: tuple[int, NDArray[np.int64], NDArray[np.int64]] | None = None

    def batch(self, step: int, size: int) -> NDArray[np.int64]:
        """The windows of a step, counted from 0: shape (size, context + 1)."""
        return np.stack([self.window(number) for number in range(step * size, (step + 1) * size)])

    def window(self, number: int) -> NDArray[np.int64]:
        block, place = divmod(number, BLOCK)
        which, rank = self._shuffled(block)
        source = int(which[place])
        return self.sources[source].window(block * self.counts[source] + int(rank[place]))

    def _shuffled(self, block: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of each place in a block: its source, and how many windows of that source precede it in the block."""
        if self._block is None or self._block[0] != block:
            which = np.repeat(np.arange(len(self.counts)), self.counts)
            which = which[np.argsort(hash_numbers(BLOCK, "block", self.seed, block), kind="stable")]
            rank = np.empty(BLOCK, np.int64)
            for source, count in enumerate(self.counts):
                rank[which == source] = np.arange(count)
            self._block = block, which, rank
        return self._block[1], self._block[2]

    def seen(self, windows: int) -> dict[str, Seen]:
        """What each source gave to the first `windows` windows."""
        blocks, rest = divmod(windows, BLOCK)
        which, _ = self._shuffled(blocks)
        started = np.bincount(which[:rest], minlength=len(self.counts))
        return {
            source.name: source.seen(blocks * count + int(more))
            for source, count, more in zip(self.sources, self.counts, started, strict=True)
        }


@dataclass(frozen=True)
class _Round:
    """Documents of all sources in the order of the stream: which source, number and epoch of each, and where it starts."""

    source: NDArray[np.int64]
    document: NDArray[np.int64]
    epoch: NDArray[np.int64]
    starts: NDArray[np.int64]  # in the stream; one more for where the next round starts


class MixedDocuments(MixedWindows):
    """One stream of whole documents of all sources, cut evenly: a window may hold several sources.

    A round takes from each source the documents that begin within its share of `ROUND` windows' tokens, and shuffles them. So the
    proportions of the weights hold at any time to within a round and a document, and where a round starts follows from its number.
    """

    def __init__(self, sources: Sequence[PackedSource], weights: Sequence[float], seed: int) -> None:
        super().__init__(sources, weights, seed)
        self.context = self.sources[0].context
        self._rounds: dict[int, _Round] = {}

    def window(self, number: int) -> NDArray[np.int64]:
        start, wanted = number * self.context, self.context + 1
        at = self._round_of(start)
        parts: list[NDArray[np.uint16]] = []
        while wanted > 0:
            round_ = self._round(at)
            first = max(0, int(np.searchsorted(round_.starts, start, side="right")) - 1)
            for place in range(first, len(round_.document)):
                skip = start - int(round_.starts[place])
                documents = self.sources[round_.source[place]].documents
                parts.append(documents.of(int(round_.document[place]))[skip : skip + wanted])
                wanted, start = wanted - len(parts[-1]), start + len(parts[-1])
                if wanted == 0:
                    break
            at += 1
        return np.concatenate(parts).astype(np.int64)

    def _bounds(self, number: int) -> list[int]:
        """Where a round begins in each source's own stream, before it is moved on to the next document."""
        return [number * ROUND * count * self.context // BLOCK for count in self.counts]

    def _start(self, number: int) -> int:
        pairs = zip(self.sources, self._bounds(number), strict=True)
        return sum(source.first_start(bound) for source, bound in pairs)

    def _round_of(self, token: int) -> int:
        number = token // (ROUND * self.context) + len(
            self.counts
        )  # shares are rounded down, each by less than a token
        while self._start(number) > token:  # documents that hang over push rounds back
            number -= 1
        return number

    def _round(self, number: int) -> _Round:
        if number not in self._rounds:
            if len(self._rounds) > 1:  # a window may reach from one round into the next
                del self._rounds[min(self._rounds, key=lambda each: (each > number, each))]
            self._rounds[number] = self._build_round(number)
        return self._rounds[number]

    def _build_round(self, number: int) -> _Round:
        bounds = zip(self.sources, self._bounds(number), self._bounds(number + 1), strict=True)
        found = [source.documents_from(low, high) for source, low, high in bounds]
        which = np.repeat(np.arange(len(found)), [len(documents) for documents, _ in found])
        document, epoch = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.argsort(hash_numbers(len(which), "stream", self.seed, number), kind="stable")
        which, document, epoch = which[order], document[order], epoch[order]
        lengths = np.zeros(len(which), np.int64)
        for at, source in enumerate(self.sources):
            lengths[which == at] = source.documents.lengths[document[which == at]]
        starts = self._start(number) + np.concatenate(([0], np.cumsum(lengths)))
        return _Round(which, document, epoch, starts)

    def seen(self, windows: int) -> dict[str, Seen]:
        """What each source gave to the first `windows` windows."""
        end = windows * self.context
        tokens, documents, cut = (np.zeros(len(self.sources), np.int64) for _ in range(3))
        for number in range(self._round_of(end) + 1):
            round_ = self._build_round(number)
            starts, stops = np.minimum(round_.starts[:-1], end), np.minimum(round_.starts[1:], end)
            is_cut = (stops > starts) & (starts // self.context != (round_.starts[1:] - 1) // self.context)
            for at in range(len(self.sources)):
                mine = (round_.source == at) & (stops > starts)
                tokens[at] += (stops - starts)[mine].sum()
                documents[at] += (mine & (round_.epoch == 0)).sum()
                cut[at] += (mine & is_cut).sum()
        return {
            source.name: Seen(
                windows=int(tokens[at]) // self.context,
                tokens=int(tokens[at]),
                repetitions=int(tokens[at]) / source.tokens,
                documents_chosen=len(source.subset),
                documents_seen=int(documents[at]),
                documents_cut=int(cut[at]),
                tokens_chosen=source.tokens,
                tokens_lost_an_epoch=0,
            )
            for at, source in enumerate(self.sources)
        }


def mixed(packing: str, sources: Sequence[PackedSource], weights: Sequence[float], seed: int) -> MixedWindows:
    """The windows of a mixture in the order that a spec's `packing` names; sources of "related" must have been packed so."""
    return (MixedDocuments if packing == "random" else MixedWindows)(sources, weights, seed)


def apportion(weights: Sequence[float], total: int) -> list[int]:
    """Whole numbers that sum to `total`, in the ratios of the weights: largest remainders get what is left over."""
    shares = [weight / sum(weights) * total for weight in weights]
    counts = [int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: (counts[i] - shares[i], i))
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return counts
