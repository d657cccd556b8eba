"""The parts of a study report that come from probes and from transforms of sources: plain JSON, any list may be empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict


class PositionLoss(TypedDict):
    """Mean loss by place in a document, one cell on one source: `loss[i]`, in nats, at token `tokens[i]`."""

    arm: str
    seed: int
    source: str
    tokens: list[float]
    loss: list[float | None]


class Head(TypedDict):
    """`scores`: by name, such as prefix_matching; from 0 to 1."""

    layer: int
    head: int
    scores: Mapping[str, float | None]


class Heads(TypedDict):
    """All attention heads of one cell."""

    arm: str
    seed: int
    heads: list[Head]


class OnsetPrediction(TypedDict):
    """The onset of one cell that bigram repetition of its training mixture predicts, beside the one that was seen.

    `predicted_by_size`: by tokens a step alone; `predicted`: earlier where the mixture repeats more. Observed as in
    `OnsetInterval`, `observed_at` within the interval; null is censored.
    """

    arm: str
    seed: int
    measure: str
    frequency: float | None
    reliability: float | None
    predicted_by_size: float | None
    predicted: float | None
    observed_after: float | None
    observed_by: float | None
    observed_at: float | None


class Change(TypedDict):
    """What one step of a transform did to one statistic; `source` was made of `of`."""

    source: str
    of: str
    step: str
    statistic: str
    before: float | None
    after: float | None
