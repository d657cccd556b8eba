"""What a study would do, in words."""

from __future__ import annotations

from collections.abc import Iterator

from ablations.settings.cells import CellSettings
from ablations.settings.study import Study
from curation import dry_run as curation_plan
from curation.recipes.recipe import Recipe


def tree(study: Study, recipe: Recipe) -> Iterator[str]:
    """The stages with their shards, and the cells, one line each."""
    yield from curation_plan.tree(recipe, curation_plan.sources(recipe))
    tokenizer, controls = study.tokenizer, study.control_settings
    yield f"  tokenizer main: {tokenizer.kind}, {tokenizer.vocab_size} pieces; tokenizer controls: one piece a word"
    yield f"  encode and join: {len(recipe.sources)} sources"
    yield "cells"
    for arm, settings in study.arms.items():
        cells = study.cells_of_arm(arm)
        mixture = " + ".join(f"{weight:g} {source}" for source, weight in study.mixture(arm).items())
        yield f"  {arm}: {mixture}, documents x {settings.fraction:g}, {shape(cells)}, {study.seeds} seeds"
    for arm, control in controls.arms.items():
        cells = study.cells_of_control(arm)
        yield f"  {arm}: {control.source}, {shape(cells)}, {controls.seeds or study.seeds} seeds"


def shape(cells: CellSettings) -> str:
    """A cell's model and length in words."""
    model = cells.model
    return f"{model.layers} layers x {model.width} wide, context {model.context}, {cells.schedule.tokens:,} tokens"
