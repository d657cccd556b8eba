"""Whether a training came to anything: a cell that did not enters no mean.

It diverged if its mean loss is `LEAST_NATS` above that of a model that knows nothing, ln V, once a tenth of its steps is over; or
if at its end it is not as much below that of a model that knows how often each piece comes, the unigram loss.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.mixture import MixedWindows
from ablations.core.data.packing import PackedSource

LEAST_NATS = 0.05
FIRST = 0.1  # share of the steps in which a loss may be anything
TOKENS_AT_ONCE = 2**22


def unigram_loss(windows: MixedWindows, vocab_size: int) -> float:
    """Entropy in nats of a token of the mixture: the loss of a model that knows how often each piece comes, and nothing else."""
    shares = np.array(windows.counts, np.float64) / sum(windows.counts)
    frequencies = sum(
        share * _frequencies(source, vocab_size) for share, source in zip(shares, windows.sources, strict=True)
    )
    seen = np.asarray(frequencies)[np.asarray(frequencies) > 0]
    return float(-(seen * np.log(seen)).sum())


def _frequencies(source: PackedSource, vocab_size: int) -> NDArray[np.float64]:
    counts = np.zeros(vocab_size, np.int64)
    if len(source.subset) == len(source.documents):
        tokens = source.documents.tokens
        for start in range(0, len(tokens), TOKENS_AT_ONCE):
            counts += np.bincount(tokens[start : start + TOKENS_AT_ONCE], minlength=vocab_size)
    else:
        for document in source.subset:
            counts += np.bincount(source.documents.of(int(document)), minlength=vocab_size)
    return np.asarray(counts / counts.sum())


def divergence(losses: Sequence[Mapping[str, Any]], steps: int, vocab_size: int, unigram: float) -> str:
    """Why a training diverged, or "" where it did not.

    Args:
        losses: at each evaluation point, in order: `step`, and `train_loss`, the mean in nats since the point before.
        unigram: see `unigram_loss`.
    """
    nothing = math.log(vocab_size)
    for before, point in zip([{"step": 0}, *losses[:-1]], losses, strict=True):
        loss = point["train_loss"]
        if (
            loss is not None
            and loss > nothing + LEAST_NATS
            and (before["step"] >= FIRST * steps or point is losses[-1])
        ):
            return (
                f"at {point['step']} of {steps} steps the training loss is {loss:.2f} nats, well above the {nothing:.2f} of a "
                "model that knows nothing"
            )
    last = losses[-1]["train_loss"]
    if last is not None and last > unigram - LEAST_NATS:
        return (
            f"at its end the training loss is {last:.2f} nats, not {LEAST_NATS} below the {unigram:.2f} of a model that knows "
            "how often each piece comes"
        )
    return ""
