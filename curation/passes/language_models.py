"""Trains the language models of a recipe, each before the first pass that needs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from curation.models.train_language_model import train_stage
from curation.recipes.named_models import annotators_with_models, located
from curation.recipes.recipe import Pass, Recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.stages.stages import run_stages
from curation.runtime.store.folder import Folder
from curation.runtime.store.shards import ShardSet

Reached = Mapping[str | None, Mapping[str, ShardSet]]  # shards of every source: as read (None), and after each pass


def train(recipe: Recipe, names: Iterable[str], reached: Reached, out: Folder, compute: Compute) -> dict[str, Folder]:
    """Train the named models that are not trained yet; returns the folders of all."""
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
    for entry, annotator, named in annotators_with_models(recipe, pass_):
        if named is None or (named in recipe.models and named not in trained):
            entries.append(entry)
        else:
            folder = trained[named].url if named in trained else located(recipe, named)
            entries.append({**entry, str(annotator.language_model_key): folder})
    return pass_.model_copy(update={"annotators": tuple(entries)})
