"""What a user may write about cells, with every default in it: typed by the values that a cell works with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from math import gcd, lcm
from typing import Any

from ablations.core.model.parts import PARTS, whole_shape
from ablations.core.spec.measuring_spec import EffortSpec
from ablations.core.spec.member_spec import MemberSpec, whole
from ablations.core.spec.model_spec import ModelShape
from ablations.core.spec.strict import Problem, build, not_positive
from ablations.core.spec.training_spec import ComputeSpec, OptimizerSpec, Packing, ScheduleSpec, SpikeSpec
from ablations.core.training.optimizers.registry import OPTIMIZERS
from ablations.core.training.schedules.registry import SCHEDULES
from curation.runtime.config import merged
from curation.runtime.registry import Plugin, Registry

Sorts = Mapping[
    str, tuple[Registry[Any], type[MemberSpec]]
]  # where a member is named -> where it is found, and its spec
MEMBERS: Sorts = {"optimizer": (OPTIMIZERS, OptimizerSpec), "schedule": (SCHEDULES, ScheduleSpec)}
PARTS_OF_MODEL: Sorts = {name: (registry, type(getattr(ModelShape, name))) for name, registry in PARTS.items()}


@dataclass(frozen=True)
class CellSettings:
    """Shape, training and measuring of an arm's cells.

    Attributes:
        packing, document_mask, gradient_clip, spikes: see `ablations/core/spec/training_spec.py`.
        evaluations: how many times along the way the weights are kept, and measured, besides the start and the end.
        checkpoint_every_steps: a killed cell goes on from there; changes no result.
    """

    model: ModelShape
    schedule: ScheduleSpec
    optimizer: OptimizerSpec = OptimizerSpec()
    effort: EffortSpec = EffortSpec()
    compute: ComputeSpec = ComputeSpec()
    packing: Packing = "by_source"
    document_mask: bool = False
    gradient_clip: float = 1.0
    spikes: SpikeSpec = SpikeSpec()
    evaluations: int = 12
    checkpoint_every_steps: int = 100

    def problems(self) -> list[Problem]:
        bad = [] if self.evaluations >= 0 else [("evaluations", f"{self.evaluations} is negative", "Give 0 or more")]
        return bad + not_positive(self, "checkpoint_every_steps")


def cells_of(
    base: Mapping[str, Any], over: Mapping[str, Any], where: str, plugins: Sequence[Plugin] = ()
) -> CellSettings:
    """The settings of a study's cells with an arm's own merged in and defaults filled in.

    Args:
        plugins: files with further optimizers, schedules and parts of models.

    Raises:
        ConfigError: a key is unknown or missing, or a value cannot be used.
    """
    cells = build(CellSettings, merged_cells(base, over, plugins), where)
    return replace(
        cells,
        model=whole_shape(cells.model, plugins, f"{where}.model"),
        optimizer=whole(OPTIMIZERS, cells.optimizer, plugins, f"{where}.optimizer"),
        schedule=whole(SCHEDULES, cells.schedule, plugins, f"{where}.schedule"),
    )


def merged_cells(base: Mapping[str, Any], over: Mapping[str, Any], plugins: Sequence[Plugin] = ()) -> dict[str, Any]:
    """`over` merged into `base`; null removes a setting.

    Another kind of optimizer, schedule or part of a model than the one of `base` takes over the settings that it has as well, and
    no others.
    """
    base = _left_by(MEMBERS, base, over, plugins)
    if isinstance(base.get("model"), Mapping) and isinstance(over.get("model"), Mapping):
        base = {**base, "model": _left_by(PARTS_OF_MODEL, base["model"], over["model"], plugins)}
    return merged({}, merged(base, over))


def _left_by(
    sorts: Sorts, base: Mapping[str, Any], over: Mapping[str, Any], plugins: Sequence[Plugin]
) -> dict[str, Any]:
    """`base` without the settings of members that those of `over` cannot take."""
    parts = {
        name: _settings_for(registry, spec, base[name], over[name], plugins)
        for name, (registry, spec) in sorts.items()
        if isinstance(base.get(name), Mapping) and isinstance(over.get(name), Mapping)
    }
    return {**base, **parts}


def _settings_for(
    registry: Registry[Any], spec: type[MemberSpec], base: Mapping[str, Any], over: Mapping[str, Any], plugins: Sequence[Plugin]
) -> Mapping[str, Any]:  # fmt: skip
    """What of `base` the kind that `over` names can take; everything where it names none, or one that will be refused."""
    kind, defaults = over.get("kind"), {each.name: each.default for each in fields(spec)}
    if kind in (None, base.get("kind", defaults["kind"])) or kind not in registry.catalogue(plugins):
        return base
    names = {*defaults, *(each.name for each in fields(registry.get(kind, plugins)))}
    return {key: value for key, value in base.items() if key in names}


def whole_weights(mixture: Mapping[str, float]) -> dict[str, int]:
    """The smallest whole numbers in the ratios of a mixture's weights, sources in alphabetical order.

    `{b: 2, a: 2}` and `{a: 1, b: 1}` are the same mixture, so they give the same cell.
    """
    exact = {source: Fraction(str(mixture[source])) for source in sorted(mixture)}
    scale = lcm(*(each.denominator for each in exact.values()))
    whole = {source: int(each * scale) for source, each in exact.items()}
    return {source: each // gcd(*whole.values()) for source, each in whole.items()}
