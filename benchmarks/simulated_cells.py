"""Studies that never ran: crossed values with known truth, to see whether intervals cover what they say.

The settings are variances of contrasts as cells of this project showed them (docs/statistics.md), and worse ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from scipy import stats

from ablations.statistics.crossed import LEVEL, NAMES, Array, mean_squares, uncertainty
from ablations.statistics.variances import Variances

CHUNK = 50  # studies at a time, so that memory stays small
Tails = Literal["normal", "heavy"]
Rng = np.random.Generator


@dataclass(frozen=True)
class Setting:
    """How values come about; their true mean is zero.

    Args:
        other: variances of a second arm, which is subtracted.
        tails: of items and single answers: normal, or Student's t of 3 degrees of freedom.
        accuracy: an answer is right (1) or wrong (0), right ones being this share; variances are then of the latent normal.
    """

    name: str
    variances: Variances
    other: Variances | None = None
    tails: Tails = "normal"
    accuracy: float | None = None


def crossed_values(setting: Setting, shape: tuple[int, int, int, int], rng: Rng) -> Array:
    """Values of N studies x S seeds x D draws x I items, shape (N, S, D, I), whose true mean is zero."""
    values = _one_arm(setting, setting.variances, shape, rng)
    return values if setting.other is None else values - _one_arm(setting, setting.other, shape, rng)


def _one_arm(setting: Setting, variances: Variances, shape: tuple[int, int, int, int], rng: Rng) -> Array:
    values = np.zeros(shape)
    for effect, variance in variances.parts().items():
        if variance > 0:
            size = (shape[0], *(n if name in effect else 1 for n, name in zip(shape[1:], NAMES, strict=True)))
            values += sqrt(variance) * _noise(size, setting.tails if "items" in effect else "normal", rng)
    if setting.accuracy is None:
        return values
    spread = sqrt(sum(variances.parts().values()))
    return (values > -spread * stats.norm.ppf(setting.accuracy)).astype(np.float64) - setting.accuracy


def _noise(size: tuple[int, ...], tails: Tails, rng: Rng) -> Array:
    return rng.standard_normal(size) if tails == "normal" else rng.standard_t(3, size) / sqrt(3)


@dataclass(frozen=True)
class Coverage:
    """Share of studies whose 95 % interval holds the truth, and the mean half-width of the intervals."""

    studies: int
    covered: float
    reach: float


def coverage(setting: Setting, seeds: int, draws: int, items: int, studies: int, seed: int = 0) -> Coverage:
    """Simulate and count."""
    rng = np.random.default_rng(seed)
    held, reaches = 0, 0.0
    for start in range(0, studies, CHUNK):
        values = crossed_values(setting, (min(CHUNK, studies - start), seeds, draws, items), rng)
        sure = uncertainty(mean_squares(values))
        reach_N = stats.t.ppf((1 + LEVEL) / 2, sure.df) * sure.error
        held += int(np.sum(np.abs(values.mean((1, 2, 3))) <= reach_N))
        reaches += float(np.sum(reach_N))
    return Coverage(studies, held / studies, reaches / studies)


MEASURED = Variances(0.00055, 0.00054, 0.00051, 0.00061, 0.0013, 0.00085, 0.0063)
SETTINGS = (
    Setting("as measured: what permuted labels cost in news topics", MEASURED),
    Setting("seeds dominate: loss of two arms", Variances(1.9, 0.0029, 0.05, 0.02, 2.3, 0.0037, 0.023)),
    Setting("draws dominate", Variances(0.002, 0.05, 0.01, 0.005, 0.02, 0.02, 0.1)),
    Setting("items dominate: loss of an arm", Variances(0.05, 0.0006, 22.0, 0.0089, 2.2, 0.0027, 0.017)),
    Setting("seeds and items alike", Variances(0.1, 0.001, 4.0, 0.01, 2.0, 0.01, 0.1)),
    Setting("seeds differ next to nothing", Variances(1e-6, 0.0005, 0.02, 0.0001, 0.001, 0.01, 0.1)),
    Setting("seeds and draws meet: their pair dominates", Variances(0.001, 0.004, 0.01, 0.05, 0.02, 0.01, 0.1)),
    Setting("nothing but the single answer", Variances(answers=1.0)),
    Setting("two arms, variances tenfold", MEASURED, other=MEASURED.times(10.0)),
    Setting("heavy tails of items and answers", Variances(0.01, 0.002, 1.0, 0.005, 0.5, 0.05, 1.0), tails="heavy"),
    Setting("accuracy of 90 %", Variances(0.05, 0.02, 1.0, 0.02, 0.3, 0.1, 0.5), accuracy=0.9),
    Setting("accuracy of two arms at 60 %", Variances(0.05, 0.02, 0.5, 0.02, 0.3, 0.1, 0.5),
            other=Variances(0.2, 0.02, 0.5, 0.02, 0.3, 0.1, 0.5), accuracy=0.6),
)  # fmt: skip
