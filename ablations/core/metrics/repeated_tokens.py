"""Induction on sequences that mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.hashing import hash_numbers
from ablations.core.metrics.base import Measured, Metric
from ablations.core.model.model import Model
from ablations.core.results.readings import Better, Reading
from ablations.core.scoring.scoring import token_losses

ONSET_NATS = 0.5
GAIN = "first_minus_second"


class RepeatedTokens(Metric):
    """Mean loss in the first showing of a random token sequence minus the second; positive when the model copies.

    Each sequence is BOS and then half a context of pieces drawn uniformly from all but the special ones, shown twice.
    The first token of either showing cannot be known from a copy and is left out of both.

    Source: Olsson et al. 2022, https://arxiv.org/abs/2209.11895, "repeated random tokens".
    """

    kind: ClassVar[str] = "repeated_tokens"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "nats per token"
    better: ClassVar[Better] = "higher"
    in_curve: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset({"sequences"})

    def measure(self, model: Model, data: EvaluationData) -> Measured:
        half = half_of(data.context)
        losses_BT = np.stack(token_losses(model, repeated_sequences(data, half), data.batch)).astype(np.float64)
        first, second = losses_BT[:, 1:half], losses_BT[:, half + 1 :]
        n = {"sequences": len(losses_BT), "tokens": int(first.size)}
        gain = self.reading(
            float((first - second).mean()),
            GAIN,
            n=n,
            words="gain on a random sequence shown twice",
            position="second showing",
        )
        levels = [
            self.reading(
                float(losses.mean()),
                name,
                n=n,
                better="lower",
                words=f"loss in the {name} showing of a random sequence",
            )
            for name, losses in (("first", first), ("second", second))
        ]
        return Measured([gain, *levels], details={"tokens_shown_twice": half})

    def onset_threshold(self, reading: Reading, final: Mapping[str, Reading]) -> float | None:
        return ONSET_NATS if reading.reading == GAIN else None


def half_of(context: int) -> int:
    """Length of one showing."""
    return (context - 1) // 2


def repeated_sequences(data: EvaluationData, half: int) -> list[list[int]]:
    """Sequence i depends on (seed, i) alone, so that fewer sequences are the first of more."""
    pieces = np.setdiff1d(np.arange(data.vocab_size), data.specials)
    drawn = (hash_numbers(half, "repeated", data.seed, i) % np.uint64(len(pieces)) for i in range(data.sequences))
    return [[data.bos, *pieces[place].tolist() * 2] for place in drawn]
