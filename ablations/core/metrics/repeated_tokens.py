"""Induction on sequences that mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.repeats import repeats
from ablations.core.metrics.base import Measured, Metric
from ablations.core.model.model import Model
from ablations.core.results.readings import Better, Reading
from ablations.core.scoring.scoring import token_losses

ONSET_NATS = 0.5
GAIN = "first_minus_second"


class RepeatedTokens(Metric):
    """Mean loss in the first showing of a random passage minus the second; positive when the model copies.

    `ablations/core/data/repeats.py` says how the sequences are made: the second showing comes at a distance that is drawn for
    each. The first token of either showing cannot be known from a copy and is left out of both.

    Source: Olsson et al. 2022, https://arxiv.org/abs/2209.11895, "repeated random tokens" (there at one distance, where looking
    back by a fixed number of places does as well as induction).
    """

    kind: ClassVar[str] = "repeated_tokens"
    version: ClassVar[int] = 2
    unit: ClassVar[str] = "nats per token"
    better: ClassVar[Better] = "higher"
    in_curve: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset({"sequences"})

    def measure(self, model: Model, data: EvaluationData) -> Measured:
        made = repeats(data)
        losses_BT = np.stack(token_losses(model, list(made.tokens_BT), data.batch)).astype(np.float64)
        # losses begin with that of token 1
        first, second = (made.of_showing(losses_BT, starts - 1) for starts in (made.first_B, made.second_B))
        n = {"sequences": len(losses_BT), "tokens": int(first.size)}
        gain = self.reading(
            float((first - second).mean()),
            GAIN,
            n=n,
            words="gain on a random passage shown twice",
            position="second showing",
        )
        levels = [
            self.reading(
                float(losses.mean()),
                name,
                n=n,
                better="lower",
                words=f"loss in the {name} showing of a random passage",
            )
            for name, losses in (("first", first), ("second", second))
        ]
        return Measured([gain, *levels], details={"tokens_shown_twice": made.length})

    def onset_threshold(self, reading: Reading, final: Mapping[str, Reading]) -> float | None:
        return ONSET_NATS if reading.reading == GAIN else None
