"""Which language models a recipe's annotators name, and which of them it trains itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from curation.annotators.base import Annotator
from curation.models import language_model
from curation.recipes.recipe import Pass, Recipe
from curation.runtime.errors import ConfigError, one_of
from curation.runtime.store.folder import Folder


def annotators_with_models(recipe: Recipe, pass_: Pass) -> Iterator[tuple[Mapping[str, Any], Annotator, str | None]]:
    """Every annotator of a pass: its entry, itself, and the model it names."""
    for entry, annotator in zip(pass_.annotators, recipe.annotators(pass_).values(), strict=True):
        key = annotator.language_model_key
        yield entry, annotator, str(getattr(annotator, key)) if key else None


def needed(recipe: Recipe, pass_: Pass) -> list[str]:
    """The recipe's models that a pass's annotators name."""
    named = {name for _, _, name in annotators_with_models(recipe, pass_)}
    return [name for name in recipe.models if name in named]


def untrained(recipe: Recipe, pass_: Pass) -> frozenset[str]:
    """Annotators that cannot score before the run has trained their models."""
    return frozenset(
        annotator.label for _, annotator, named in annotators_with_models(recipe, pass_) if named in recipe.models
    )


def located(recipe: Recipe, folder: str) -> str:
    """The folder of a model that the recipe does not train, seen from its `data_root`."""
    return folder if "://" in folder else os.path.join(os.path.abspath(recipe.root), folder)


def check_models(recipe: Recipe) -> None:
    """Refuse models that cannot be trained, or not in time.

    Raises:
        ConfigError: a model names an unknown source or pass, an annotator names a model that is neither in `models:` nor a
            folder, or a model is trained after the pass that needs it.
        InputError: the folder holds no language model.
    """
    passes = [pass_.name for pass_ in recipe.passes]
    for name, settings in recipe.models.items():
        for source in settings.sources:
            if source not in recipe.sources:
                raise ConfigError(f"models.{name}.sources: {one_of(recipe.sources, source, 'source')}")
        if settings.after is not None and settings.after not in passes:
            raise ConfigError(f"models.{name}.after: {one_of(passes, settings.after, 'pass')}")
    for number, pass_ in enumerate(recipe.passes):
        for _, annotator, named in annotators_with_models(recipe, pass_):
            if named is not None:
                where = f"pass {pass_.name}.annotators.{annotator.label}.{annotator.language_model_key}"
                _check_named(recipe, named, passes[:number], where)


def _check_named(recipe: Recipe, named: str, before: Sequence[str], where: str) -> None:
    if named in recipe.models:
        after = recipe.models[named].after
        if after is not None and after not in before:
            raise ConfigError(
                f"{where}: model {named} is trained after pass {after}, too late for this one. "
                f"Name it in a later pass, or set models.{named}.after to an earlier one."
            )
        return
    folder = located(recipe, named)
    if not Folder(folder).exists():
        raise ConfigError(f"{where}: no such folder, and {one_of(recipe.models, named, 'model')}")
    language_model.read_card(folder)
