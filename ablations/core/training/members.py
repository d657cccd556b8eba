"""From the plain values of a spec to the optimizer and the schedule that they mean."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablations.core.model.parts import whole_shape
from ablations.core.spec.cell_spec import CELL, CellSpec, read_spec
from ablations.core.spec.member_spec import member, whole
from ablations.core.spec.training_spec import TrainingSpec
from ablations.core.training.optimizers.base import Optimizer
from ablations.core.training.optimizers.registry import OPTIMIZERS
from ablations.core.training.schedules.base import Schedule
from ablations.core.training.schedules.registry import SCHEDULES
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin


@dataclass(frozen=True)
class Members:
    """How the weights of a training are stepped."""

    optimizer: Optimizer
    schedule: Schedule


def members_of(training: TrainingSpec, plugins: Sequence[Plugin] = (), where: str = "training") -> Members:
    """What a spec names.

    Raises:
        ConfigError: a kind is unknown, or a setting cannot be used.
    """
    return Members(
        member(OPTIMIZERS, training.optimizer, plugins, f"{where}.optimizer"),
        member(SCHEDULES, training.schedule, plugins, f"{where}.schedule"),
    )


def whole_training(training: TrainingSpec, plugins: Sequence[Plugin], where: str = "training") -> TrainingSpec:
    """The same of all that a training names, and the hashes of the plugins.

    Raises:
        ConfigError: see `whole`, or a plugin is not the file that the training was planned with.
    """
    digests = tuple(sorted(plugin.digest for plugin in plugins))
    if training.plugins not in ((), digests):
        names = ", ".join(plugin.name for plugin in plugins) or "no file"
        raise ConfigError(f"{where}.plugins: {names} is not what the training was planned with. Restore the file.")
    return dataclasses.replace(
        training,
        model=whole_shape(training.model, plugins, f"{where}.model"),
        optimizer=whole(OPTIMIZERS, training.optimizer, plugins, f"{where}.optimizer"),
        schedule=whole(SCHEDULES, training.schedule, plugins, f"{where}.schedule"),
        plugins=digests,
    )


def read_whole(folder: Path) -> CellSpec:
    """The spec of a cell's folder with all defaults in it, for those who run it: the plugins that it names are executed.

    Raises:
        ConfigError: see `read_spec` and `whole_training`.
    """
    spec = read_spec(folder)
    return dataclasses.replace(
        spec, training=whole_training(spec.training, plugins_in(folder, spec), f"{CELL}.training")
    )


def plugins_in(folder: Path, spec: CellSpec) -> list[Plugin]:
    """The files that a cell's optimizer, its schedule and the parts of its model come from."""
    return [Plugin.read(folder / path) for path in spec.plugins]
