"""How often a training mixture repeats bigrams inside a context, and how well the repeat predicts the next token.

Aoyama, Wilcox and Schneider 2025 (https://arxiv.org/abs/2511.16893) hold that these two numbers govern whether and when
induction heads form. Only their abstract was at hand, so the definitions here are our own.
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.hashing import hash_numbers
from ablations.core.data.mixture import MixedWindows

WINDOWS = 1024  # of a mixture that are looked at


class RepetitionShares(TypedDict):
    """See `bigram_repetition`. `reliability` is 0 where nothing repeats."""

    frequency: float
    reliability: float
    product: float
    windows: int
    bigrams: int


def bigram_repetition(windows_BT: NDArray[np.integer]) -> RepetitionShares:
    """Repetition of bigrams within windows.

    `frequency`: share of bigrams (a, b) whose first token a began an earlier bigram of the same window. `reliability`: among
    these, the share whose latest earlier bigram that begins with a went on with the same b. `product`: the share of all
    tokens that one look back at the latest copy predicts rightly, which is the most that a plain induction head can do. All
    tokens count, BOS too, and windows cross documents, since that is what a model sees.

    Args:
        windows_BT: token ids, one training window (its last target included) a row; at least two tokens.

    Raises:
        ValueError: there is no bigram.
    """
    if windows_BT.ndim != 2 or windows_BT.shape[0] < 1 or windows_BT.shape[1] < 2:
        raise ValueError(f"need at least one window of two tokens, got an array of shape {windows_BT.shape}")
    windows_BT = windows_BT.astype(np.int64)
    first, second = windows_BT[:, :-1], windows_BT[:, 1:].ravel()
    size = int(windows_BT.max()) + 1
    place = (np.arange(len(first))[:, None] * size + first).ravel()  # a number for each token of each window
    order = np.argsort(place, kind="stable")  # bigrams with the same first token, in their order within the window
    again = place[order[1:]] == place[order[:-1]]
    same = second[order[1:]] == second[order[:-1]]
    frequency = float(again.sum() / len(place))
    reliability = float(same[again].mean()) if again.any() else 0.0
    return {
        "frequency": frequency,
        "reliability": reliability,
        "product": frequency * reliability,
        "windows": len(first),
        "bigrams": len(place),
    }


def of_mixture(mixture: MixedWindows, total: int, seed: int, count: int = WINDOWS) -> RepetitionShares:
    """Of the windows that a run trains on: all of the first `total` of them, or about `count` chosen by hash.

    Args:
        total: windows of the run, steps times batch.
        seed: of the choice.
    """
    numbers = np.arange(total, dtype=np.uint64)
    if total > count:
        numbers = np.unique(hash_numbers(count, "bigrams", seed) % np.uint64(total))  # in order: blocks are made once
    return bigram_repetition(np.stack([mixture.window(int(number)) for number in numbers]))
