"""Reads a recipe from its file: laid on its base, with its settings and plugins, and checked as a whole."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from curation.recipes import subset
from curation.recipes.named_models import check_models
from curation.recipes.recipe import Recipe
from curation.runtime.config import build, merged, read_yaml, with_settings
from curation.runtime.errors import ConfigError
from curation.runtime.shipped import find_config, resolve_config


def load_recipe(path: str, settings: Sequence[str] = (), plugins: Sequence[str] = ()) -> Recipe:
    """A recipe from its file, with `--set` and `--plugin` options applied, fully checked.

    Raises:
        ConfigError: says where, what was found, what to do.
    """
    path = resolve_config(path)
    value, where = with_base({"name": stem(path), **with_settings(read_yaml(path), settings)}, path)
    return from_mapping(value, where, plugins)


def from_mapping(value: Mapping[str, Any], where: str, plugins: Sequence[str] = ()) -> Recipe:
    """A recipe from a mapping; `where` is its file."""
    value = {"name": stem(where), **with_default_passes(value), "folder": os.path.dirname(where) or "."}
    own = names_in(value.get("plugins") or (), f"{where}: plugins")
    value["plugins"] = (*own, *(os.path.abspath(path) for path in plugins))
    recipe = build(Recipe, value, where)
    check_recipe(recipe)
    return recipe


def check_recipe(recipe: Recipe) -> None:
    """Build everything that the recipe names, so that a mistake shows before anything runs.

    Raises:
        ConfigError: the first mistake.
    """
    _ = recipe.built_sources
    for name in recipe.derived:
        recipe.transforms(name)
    for pass_ in recipe.passes:
        pass_.policy.check(recipe.annotators(pass_), list(recipe.sources), f"pass {pass_.name}")
    check_models(recipe)


def with_base(value: Mapping[str, Any], where: str) -> tuple[dict[str, Any], str]:
    """A recipe's mapping laid on that of the file which its key `base` names, and the file that its paths are relative to.

    `only` names the sources to keep; the rules of other sources are removed too, and so are language models trained on others
    and their annotators.
    """
    recipe = dict(value)
    if base := recipe.pop("base", None):
        where = beside(os.path.dirname(where), str(base))
        recipe = merged(read_yaml(where), recipe)
    if only := recipe.pop("only", None):
        check_shape(recipe, where)
        recipe = subset.only(with_default_passes(recipe), names_in(only, f"{where}: only"), where)
    return recipe, where


def check_shape(value: Mapping[str, Any], where: str) -> None:
    """Refuse a mapping that has not a recipe's shape, before code reads it; its sources may still be missing.

    Raises:
        ConfigError: says where, what was found, what to do.
    """
    sources = value.get("sources") or {"any": {}}
    build(Recipe, {"name": "any", **with_default_passes(value), "plugins": (), "sources": sources}, where)


def names_in(value: Any, where: str) -> tuple[str, ...]:
    """One name or a list of names.

    Raises:
        ConfigError: it is something else.
    """
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{where}: found {value!r}. Write a name, or a list of names.")
    return tuple(names)


def beside(folder: str, path: str) -> str:
    """A path beside a file that names it; else the shipped config of that name."""
    near = os.path.join(folder, path)
    return near if os.path.exists(near) else resolve_config(path)


def stem(path: str) -> str:
    """A file's name as the name of a run."""
    return re.sub(r"[^a-z0-9]+", "_", Path(path).stem.lower()).strip("_") or "recipe"


def with_default_passes(value: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping of a recipe, with the passes of `configs/passes.yaml` when it names none."""
    return dict(value) if value.get("passes") else {**value, "passes": read_yaml(find_config("passes.yaml"))["passes"]}
