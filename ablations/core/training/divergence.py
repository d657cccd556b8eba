"""Whether a training came to anything: a cell that did not enters no mean.

It diverged if its loss is above that of a model that knows nothing, ln V, over any tenth of its steps after the first; or if over
the last tenth it is not `LEAST_NATS` below that of a model that knows how often each piece comes, the unigram loss; or if it is no
number. Tenths are those of the run, so that it does not matter how often the cell is measured.

A run that begins to learn is just below ln V, and the mean of few tokens is then above it by chance: cells of 40 steps of 160
tokens that ended far below were 0.02 above it in their third tenth. So `ERRORS` standard errors are allowed, where a token's loss
deviates by a nat: 0.2 nats for 100 tokens, and 0.006 for 100,000.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.mixture import MixedWindows
from ablations.core.data.packing import PackedSource
from ablations.core.spec.training_spec import TrainingSpec

LEAST_NATS = 0.05
ERRORS = 2.0
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


def divergence(tenths: Sequence[float | None], spec: TrainingSpec, unigram: float) -> str:
    """Why a training diverged, or "" where it did not.

    Args:
        tenths: mean training loss in nats of each tenth of the steps, None where it has none.
        unigram: see `unigram_loss`.
    """
    nothing, steps = math.log(spec.model.vocab_size), spec.steps
    for number, loss in enumerate(tenths[1:], start=1):
        first, end = (-(-each * steps // len(tenths)) for each in (number, number + 1))
        if loss is not None and loss > nothing + ERRORS / math.sqrt((end - first) * spec.tokens_a_step):
            return (
                f"over steps {first + 1} to {end} of {steps} the training loss is {loss:.2f} nats, above the {nothing:.2f} of a "
                "model that knows nothing"
            )
    ended = next((loss for loss in reversed(tenths) if loss is not None), None)
    if ended is not None and ended > unigram - LEAST_NATS:
        return (
            f"at its end the training loss is {ended:.2f} nats, not {LEAST_NATS} below the {unigram:.2f} of a model that knows "
            "how often each piece comes"
        )
    return ""
