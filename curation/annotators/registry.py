"""Where annotators are found; their names are listed without importing any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin, Registry

if TYPE_CHECKING:
    from curation.annotators.base import Annotator

ANNOTATORS: Registry[Annotator] = Registry("curation.annotators", "Annotator", "loam.annotators", "annotator")


def make_annotator(settings: Mapping[str, Any], plugins: Sequence[Plugin], where: str) -> Annotator:
    """An annotator from its settings in a recipe.

    Raises:
        ConfigError: no kind is given, the kind is unknown, or a setting is wrong.
    """
    from curation.runtime.members import make_member

    return make_member(ANNOTATORS, settings, plugins, where).with_plugins(plugins)


def make_all(entries: Sequence[Mapping[str, Any]], plugins: Sequence[Plugin], where: str) -> dict[str, Annotator]:
    """All annotators of a pass by label; two of one label are an error."""
    by_label: dict[str, Annotator] = {}
    for settings in entries:
        annotator = make_annotator(settings, plugins, f"{where}.annotators.{settings.get('kind', '?')}")
        if annotator.label in by_label:
            raise ConfigError(f"{where}: two annotators are called {annotator.label!r}. Give one of them a name.")
        by_label[annotator.label] = annotator
    return by_label
