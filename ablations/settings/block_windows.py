"""How many windows of a block each source of a mixture has: its weight as cells meet it."""

from __future__ import annotations

from collections.abc import Mapping

from ablations.core.data.mixture import BLOCK, apportion
from ablations.settings.cells import whole_weights
from ablations.settings.study import Study
from curation.runtime.errors import ConfigError


def block_windows(mixture: Mapping[str, float]) -> dict[str, int]:
    """Source -> its windows among `BLOCK`."""
    weights = whole_weights(mixture)
    return dict(zip(weights, apportion([float(weight) for weight in weights.values()], BLOCK), strict=True))


def check_windows(study: Study) -> None:
    """Refuse a weight that gives no window at all, with which no cell can be trained.

    Raises:
        ConfigError: names the arm and the source.
    """
    for arm in study.arms:
        for source, windows in block_windows(study.mixture(arm)).items():
            if windows == 0:
                raise ConfigError(
                    f"arms.{arm}.mixture.{source}: its weight gives it not one window in {BLOCK}. Raise it, or leave the "
                    "source out."
                )
