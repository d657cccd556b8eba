"""Induction on sequences that mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from ablations.core.evaluation import EvaluationData
from ablations.core.hashing import hash_numbers
from ablations.core.metrics.base import Metric, Reading
from ablations.core.model import Model
from ablations.core.scoring import token_losses

ONSET_NATS = 0.5


class RepeatedTokens(Metric):
    """Mean loss in the first showing of a random token sequence minus the second; positive when the model copies.

    Each sequence is BOS and then half a context of pieces drawn uniformly from all but the special ones, shown twice.
    The first token of either showing cannot be known from a copy and is left out of both.

    Source: Olsson et al. 2022, https://arxiv.org/abs/2209.11895, "repeated random tokens".
    """

    kind: ClassVar[str] = "repeated_tokens"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "nats per token"
    lower_is_better: ClassVar[bool] = False
    in_curve: ClassVar[bool] = True

    def measure(self, model: Model, data: EvaluationData) -> Reading:
        half = half_of(data.context)
        losses_BT = np.stack(token_losses(model, repeated_sequences(data, half), data.batch)).astype(np.float64)
        first, second = losses_BT[:, 1:half], losses_BT[:, half + 1 :]
        values = {
            "first_minus_second": float((first - second).mean()),
            "first": float(first.mean()),
            "second": float(second.mean()),
        }
        return Reading(values, {"sequences": len(losses_BT), "tokens": int(first.size)}, {"tokens_shown_twice": half})

    def onset_thresholds(self, values: Mapping[str, float]) -> dict[str, float]:
        return {"first_minus_second": ONSET_NATS}


def half_of(context: int) -> int:
    """Length of one showing."""
    return (context - 1) // 2


def repeated_sequences(data: EvaluationData, half: int) -> list[list[int]]:
    """Sequence i depends on (seed, i) alone, so that fewer sequences are the first of more."""
    pieces = np.setdiff1d(np.arange(data.vocab_size), data.specials)
    drawn = (hash_numbers(half, "repeated", data.seed, i) % np.uint64(len(pieces)) for i in range(data.sequences))
    return [[data.bos, *pieces[place].tolist() * 2] for place in drawn]
