"""One language model of a recipe, trained by itself: reads the sources and runs the passes before it, no further."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation import pipeline
from curation.models import language_model
from curation.passes import language_models
from curation.recipes import loading, named_models
from curation.recipes.recipe import Recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.command_line.options import Command
from curation.runtime.identity import IDENTITY
from curation.runtime.stages.stages import mended
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import code_version
from curation.runtime.store.shards import ShardSet

ENDING = ".lm.json"


@dataclass(frozen=True)
class TrainedModel:
    """The result of `loam curate train-lm`.

    Attributes:
        documents, tokens: that it was trained on.
        heldout: number of held-out documents, whose perplexities give the percentiles.
        percentiles: the perplexity at 1, 2, ... 99 %.
        head_until, tail_from: the perplexities that separate head, middle and tail.
    """

    folder: str
    estimator: str
    documents: int
    tokens: int
    heldout: int
    percentiles: Sequence[float]
    head_until: float
    tail_from: float


def run(
    command: Command, name: str | None, sources: Sequence[str], language: str | None, after: str | None
) -> TrainedModel:
    """The model `name` of a recipe, which need not have it; what is not None overrides the recipe's settings."""
    name = name or language or "lm"
    options = {"sources": list(sources) or None, "language": language, "after": after}
    overrides = (f"models.{name}.{key}={json.dumps(value)}" for key, value in options.items() if value is not None)
    settings = (*command.settings, *overrides)
    recipe = loading.load_recipe(command.path, settings, command.plugins)
    if name not in recipe.models:
        recipe = loading.load_recipe(command.path, (*settings, f"models.{name}={{}}"), command.plugins)
    with command.running(f"{recipe.name}.{name}") as out:
        folder, card = train_lm(recipe, name, out, command.compute)
    on = card["trained_on"]
    counts = (on["documents"], on["tokens"], on["heldout"])
    return TrainedModel(
        folder.url, card["estimator"], *counts, card["percentiles"], card["head_until"], card["tail_from"]
    )


def train_lm(recipe: Recipe, name: str, out: Folder, compute: Compute) -> tuple[Folder, dict[str, Any]]:
    """The folder of model `name`, and its `model.json`.

    A record in `runs/` names the folder, so that `loam gc` keeps it.
    """
    return mended(lambda: _train_lm(recipe, name, out, compute), out, compute)


def _train_lm(recipe: Recipe, name: str, out: Folder, compute: Compute) -> tuple[Folder, dict[str, Any]]:
    after = recipe.models[name].after
    shards = pipeline.read_sources(recipe, out, compute)
    reached: dict[str | None, Mapping[str, ShardSet]] = {None: shards}
    models: dict[str, Folder] = {}
    for pass_ in recipe.passes:
        if after in reached:
            break
        models |= language_models.train(recipe, named_models.needed(recipe, pass_), reached, out, compute)
        ready = language_models.with_folders(recipe, pass_, models)
        shards, _ = pipeline.run_pass(recipe, ready, shards, out, compute)
        reached[pass_.name] = shards
    models |= language_models.train(recipe, [name], reached, out, compute)
    record = {
        "kind": "language model",
        "identity": IDENTITY,
        "name": name,
        "recipe": recipe.model_dump(mode="json"),
        "models": {trained: out.relative(folder) for trained, folder in models.items()},
        "code": code_version(),
    }
    (out / "runs").write_json(f"{recipe.name}.{name}{ENDING}", record)
    return models[name], language_model.read_card(models[name].url)
