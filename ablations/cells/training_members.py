"""The optimizer and the schedule of a cell: the plugins that they come from, and the code of ours that their steps run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from ablations.cells.code_digest import Place, imported_places, training_code
from ablations.core.spec.training_spec import MemberSpec
from ablations.core.training.optimizers.registry import OPTIMIZERS
from ablations.core.training.schedules.registry import SCHEDULES
from curation.runtime.registry import Plugin, plugin_digest


def plugins_used(optimizer: MemberSpec, schedule: MemberSpec, plugins: Sequence[Plugin]) -> tuple[Plugin, ...]:
    """Those of a study's plugins that a training depends on: an edit of another one trains nothing again.

    Raises:
        ConfigError: a kind is unknown.
    """
    classes = OPTIMIZERS.get(optimizer.kind, plugins), SCHEDULES.get(schedule.kind, plugins)
    digests = {plugin_digest(cls) for cls in classes}
    return tuple(plugin for plugin in plugins if plugin.digest in digests)


@cache
def code_of_training(optimizer: str, schedule: str, plugins: tuple[Plugin, ...]) -> str:
    """What the weights of a cell depend on: the training's own code, that of its members, and what plugins take of ours.

    Args:
        plugins: those that the members come from.
    """
    places = OPTIMIZERS.places(plugins)[optimizer], SCHEDULES.places(plugins)[schedule]
    taken: Iterable[Place] = (place for plugin in plugins for place in imported_places(plugin.source))
    ours = (place for place in places if isinstance(place, tuple))
    return training_code((*ours, *taken), [place for place in places if isinstance(place, str)])
