"""Where transforms are found; their names are listed without importing any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curation.runtime.registry import Plugin, Registry

if TYPE_CHECKING:
    from curation.transforms.base import Transform

TRANSFORMS: Registry[Transform] = Registry("curation.transforms", "Transform", "loam.transforms", "transform")


def make_transform(settings: Mapping[str, Any], plugins: Sequence[Plugin], where: str) -> Transform:
    """A transform from its settings in a recipe.

    Raises:
        ConfigError: no kind is given, the kind is unknown, or a setting is wrong.
    """
    from curation.runtime.members import make_member

    return make_member(TRANSFORMS, settings, plugins, where)
