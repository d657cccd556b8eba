"""The members that a training names: the plugins that they come from, and the code of ours that they run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Protocol

from ablations.cells.code_digest import Place, imported_places, metric_code, training_code
from ablations.core.model.parts import PARTS, named
from ablations.core.spec.member_spec import MemberSpec
from ablations.core.spec.model_spec import ModelShape
from ablations.core.training.optimizers.registry import OPTIMIZERS
from ablations.core.training.schedules.registry import SCHEDULES
from curation.runtime.registry import Plugin, Registry, plugin_digest

Members = tuple[tuple[Registry[Any], str], ...]  # each with its kind


class Named(Protocol):
    """What names members of a training: its spec, or a study's settings of it."""

    @property
    def model(self) -> ModelShape: ...
    @property
    def optimizer(self) -> MemberSpec: ...
    @property
    def schedule(self) -> MemberSpec: ...


def parts_named(shape: ModelShape) -> Members:
    """The parts of a model."""
    return tuple((PARTS[part], spec.kind) for part, spec in named(shape).items())


def members_named(training: Named) -> Members:
    """All that a training names."""
    own = (OPTIMIZERS, training.optimizer.kind), (SCHEDULES, training.schedule.kind)
    return (*own, *parts_named(training.model))


def plugins_used(members: Members, plugins: Sequence[Plugin]) -> tuple[Plugin, ...]:
    """Those of a study's plugins that a training depends on: an edit of another one trains nothing again.

    Raises:
        ConfigError: a kind is unknown.
    """
    digests = {plugin_digest(registry.get(kind, plugins)) for registry, kind in members}
    return tuple(plugin for plugin in plugins if plugin.digest in digests)


@cache
def code_of_training(members: Members, plugins: tuple[Plugin, ...]) -> str:
    """What the weights of a cell depend on: the training's own code, that of its members, and what plugins take of ours.

    Args:
        plugins: those that the members come from.
    """
    ours, others = _places(members, plugins)
    return training_code(ours, others)


@cache
def code_of_metric(module: str, name: str, parts: Members, plugins: tuple[Plugin, ...]) -> str:
    """What the numbers of a metric depend on: its class, how it is given a model and data, and the parts of the model.

    Args:
        plugins: those that the parts come from.
    """
    ours, others = _places(parts, plugins)
    return metric_code(module, name, ours, others)


def _places(members: Members, plugins: Sequence[Plugin]) -> tuple[list[Place], list[str]]:
    """Where members and what plugins take of ours are defined, and what identifies members that are not ours."""
    places = [registry.places(plugins)[kind] for registry, kind in members]
    taken: Iterable[Place] = (place for plugin in plugins for place in imported_places(plugin.source))
    ours = (place for place in places if isinstance(place, tuple))
    return [*ours, *taken], [place for place in places if isinstance(place, str)]
