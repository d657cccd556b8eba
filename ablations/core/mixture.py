"""Which window comes when: every block of windows holds each source in exact proportion, shuffled within the block.

The window of any place follows from its number alone. Idea: levanter's MixtureDataset,
https://github.com/marin-community/levanter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ablations.core.hashing import hash_numbers
from ablations.core.packing import PackedSource, Seen
from curation.runtime.errors import ConfigError

BLOCK = 1024  # windows; a weight is met to within half a window in this many


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
        """Of each place in a block: its source, and how many windows of that source stand before it in the block."""
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


def apportion(weights: Sequence[float], total: int) -> list[int]:
    """Whole numbers that sum to `total`, in the ratios of the weights: largest remainders get what is left over."""
    shares = [weight / sum(weights) * total for weight in weights]
    counts = [int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: (counts[i] - shares[i], i))
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return counts
