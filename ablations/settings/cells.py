"""What a user may write about cells, with every default in it: typed by the values that a cell works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any

from ablations.core.spec.measuring_spec import EffortSpec
from ablations.core.spec.model_spec import ModelShape
from ablations.core.spec.strict import Problem, build, not_positive
from ablations.core.spec.training_spec import ComputeSpec, OptimizerSpec, Packing, ScheduleSpec
from curation.runtime.config import merged


@dataclass(frozen=True)
class CellSettings:
    """Shape, training and measuring of an arm's cells.

    Attributes:
        evaluations: how many times along the way the weights are kept, and measured, beside the start and the end.
        checkpoint_every_steps: a killed cell goes on from there; changes no result.
    """

    model: ModelShape
    schedule: ScheduleSpec
    optimizer: OptimizerSpec = OptimizerSpec()
    effort: EffortSpec = EffortSpec()
    compute: ComputeSpec = ComputeSpec()
    packing: Packing = "by_source"
    evaluations: int = 12
    checkpoint_every_steps: int = 100

    def problems(self) -> list[Problem]:
        bad = [] if self.evaluations >= 0 else [("evaluations", f"{self.evaluations} is negative", "Give 0 or more")]
        return bad + not_positive(self, "checkpoint_every_steps")


def cells_of(base: Mapping[str, Any], over: Mapping[str, Any], where: str) -> CellSettings:
    """What is said of a study's cells with an arm's differences laid on it, defaults filled in.

    Raises:
        ConfigError: a key is unknown or missing, or a value cannot be used.
    """
    return build(CellSettings, merged(base, over), where)


def whole_weights(mixture: Mapping[str, float]) -> dict[str, int]:
    """The smallest whole numbers in the ratios of a mixture's weights, sources in alphabetical order.

    `{b: 2, a: 2}` and `{a: 1, b: 1}` say the same mixture, so they are the same cell.
    """
    exact = {source: Fraction(str(mixture[source])) for source in sorted(mixture)}
    scale = lcm(*(each.denominator for each in exact.values()))
    whole = {source: int(each * scale) for source, each in exact.items()}
    return {source: each // gcd(*whole.values()) for source, each in whole.items()}
