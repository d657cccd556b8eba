"""The learning rate, with which rankings of corpora change: https://arxiv.org/abs/2512.24503."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from ablations.settings.nuisances.base import Change, Nuisance, VariedArm
from curation.runtime.errors import ConfigError

FACTORS = {"rate_third": 0.3, "rate_triple": 3.0}
RATE = "learning_rate"  # how the settings of an optimizer that are rates end


class LearningRate(Nuisance):
    """All learning rates of the optimizer, at 0.3, 1 and 3 times what the study says."""

    kind: ClassVar[str] = "learning_rate"

    def as_it_is(self, compared: Sequence[VariedArm]) -> str:
        return "1 x the learning rate"

    def variants(self, arm: VariedArm, compared: Sequence[VariedArm]) -> Mapping[str, Change]:
        optimizer = arm.cells.optimizer
        settings = optimizer.settings
        rates = {name: value for name, value in settings.items() if name.endswith(RATE) and isinstance(value, float)}
        if not rates:
            raise ConfigError(
                f"robust_over: optimizer {optimizer.kind} has no setting that ends with {RATE}. Leave learning_rate out."
            )
        return {
            name: Change(
                f"{factor:g} x the learning rate",
                cells={"optimizer": {rate: factor * value for rate, value in rates.items()}},
            )
            for name, factor in FACTORS.items()
        }
