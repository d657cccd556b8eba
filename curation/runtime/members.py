"""Members of a registry as a config names them: by name alone, or as a mapping with settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator

from curation.runtime.config import build
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin, Registry

Member = TypeVar("Member", bound=BaseModel)


def _as_mapping(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


MemberSettings = Annotated[dict[str, Any], BeforeValidator(_as_mapping)]  # a bare name means "with its defaults"


def make_member(
    registry: Registry[Member], settings: Mapping[str, Any], plugins: Sequence[Plugin], where: str
) -> Member:
    """The member that a config names, built from its settings.

    Raises:
        ConfigError: no kind is given, the kind is unknown, or a setting is wrong.
    """
    kind = settings.get("kind")
    if not isinstance(kind, str):
        raise ConfigError(f"{where}: no kind. Write kind: NAME; known: {', '.join(registry.catalogue(plugins))}.")
    return build(registry.get(kind, plugins), settings, where)
