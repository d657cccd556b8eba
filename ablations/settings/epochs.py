"""`equal: epochs`: how much of the study's schedule each arm trains, so that all read their text as often.

One epoch of a mixture is as many tokens as can be taken in the proportion of its weights before one of its sources is used up. So
what is equal is how often each arm reads the source that it reads most often; of one source, how often it reads that.
"""

from __future__ import annotations

from collections.abc import Mapping

from ablations.core.data.mixture import BLOCK
from ablations.settings.block_windows import block_windows
from ablations.settings.study import Study


def epoch_tokens(mixture: Mapping[str, float], fraction: float, tokens: Mapping[str, float]) -> float:
    """Tokens of one epoch of a mixture.

    Args:
        fraction: share of each source's tokens that the arm has.
        tokens: of each source.
    """
    windows = block_windows(mixture)
    return min(fraction * tokens[source] * BLOCK / count for source, count in windows.items() if count)


def schedule_shares(study: Study, tokens: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Arm -> share of its schedule's tokens that its cells train on; 1 for all under `equal: tokens`.

    Args:
        tokens: arm -> tokens of each of its sources under its tokenizer.
    """
    if study.equal == "tokens":
        return dict.fromkeys(tokens, 1.0)
    epochs = {arm: epoch_tokens(study.mixture(arm), study.arms[arm].fraction, each) for arm, each in tokens.items()}
    most = max(epochs.values(), default=0.0)
    return {arm: epoch / most if most else 1.0 for arm, epoch in epochs.items()}
