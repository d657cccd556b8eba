"""A member of a registry as a spec names it: its kind, and its settings as plain values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ablations.core.spec.strict import OPEN, Settings, build
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin, Registry

T = TypeVar("T")
Spec = TypeVar("Spec", bound="MemberSpec")


@dataclass(frozen=True, kw_only=True)
class MemberSpec:
    """A member of a registry by its name, and its settings by theirs; its class defines their names and types.

    They are plain values here, so that a cell can be read where the plugin that has the class is not available.
    """

    kind: str
    settings: Settings = field(default_factory=dict, metadata=OPEN)


def member(registry: Registry[T], spec: MemberSpec, plugins: Sequence[Plugin], where: str) -> T:
    """The member that a spec names.

    Raises:
        ConfigError: the kind is unknown, or a setting cannot be used.
    """
    try:
        cls = registry.get(spec.kind, plugins)
    except ConfigError as error:
        raise ConfigError(f"{where}.kind: {error}") from error
    return build(cls, spec.settings, where)


def whole(registry: Registry[Any], spec: Spec, plugins: Sequence[Plugin], where: str) -> Spec:
    """The spec with every setting that was left to its default, each of the type that its class gives it.

    Raises:
        ConfigError: the kind is unknown, or a setting cannot be used.
    """
    return dataclasses.replace(spec, settings=dataclasses.asdict(member(registry, spec, plugins, where)))
