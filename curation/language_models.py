"""The language models of a recipe: which of them a pass needs, and their training before it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curation.annotators.base import Annotator
from curation.models import language_model
from curation.models.train_language_model import train_stage
from curation.runtime.cluster import Compute
from curation.runtime.errors import ConfigError, one_of
from curation.runtime.stages import run_stages
from curation.runtime.store import Folder
from curation.shards import ShardSet

if TYPE_CHECKING:
    from curation.recipe import Pass, Recipe

Reached = Mapping[str | None, Mapping[str, ShardSet]]  # shards of every source: as read (None), and after each pass


def _named(recipe: Recipe, pass_: Pass) -> Iterator[tuple[Mapping[str, Any], Annotator, str | None]]:
    """Every annotator of a pass: its entry, itself, and the model it names."""
    for entry, annotator in zip(pass_.annotators, recipe.annotators(pass_).values(), strict=True):
        key = annotator.language_model_key
        yield entry, annotator, str(getattr(annotator, key)) if key else None


def needed(recipe: Recipe, pass_: Pass) -> list[str]:
    """The recipe's models that a pass's annotators name."""
    named = {name for _, _, name in _named(recipe, pass_)}
    return [name for name in recipe.models if name in named]


def check(recipe: Recipe) -> None:
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
        for _, annotator, named in _named(recipe, pass_):
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
    folder = _located(recipe, named)
    if not Folder(folder).exists():
        raise ConfigError(f"{where}: no such folder, and {one_of(recipe.models, named, 'model')}")
    language_model.read_card(folder)


def _located(recipe: Recipe, folder: str) -> str:
    return folder if "://" in folder else os.path.join(os.path.abspath(recipe.root), folder)


def train(recipe: Recipe, names: Iterable[str], reached: Reached, out: Folder, compute: Compute) -> dict[str, Folder]:
    """Train the named models, as far as they are not; returns their folders."""
    stages = {}
    for name in names:
        settings = recipe.models[name]
        shards = reached[settings.after]
        stages[name] = train_stage(name, settings, {s: shards[s] for s in shards if s in (settings.sources or shards)})
    run_stages(list(stages.values()), out, compute)
    return {name: stage.outputs["model"].folder(out) for name, stage in stages.items()}


def with_folders(recipe: Recipe, pass_: Pass, trained: Mapping[str, Folder]) -> Pass:
    """The pass with its annotators' models as folders; names that are not trained yet stay."""
    entries = []
    for entry, annotator, named in _named(recipe, pass_):
        if named is None or (named in recipe.models and named not in trained):
            entries.append(entry)
        else:
            folder = trained[named].url if named in trained else _located(recipe, named)
            entries.append({**entry, str(annotator.language_model_key): folder})
    return pass_.model_copy(update={"annotators": tuple(entries)})


def untrained(recipe: Recipe, pass_: Pass) -> frozenset[str]:
    """Annotators that cannot score before the run has trained their models."""
    return frozenset(annotator.label for _, annotator, named in _named(recipe, pass_) if named in recipe.models)
