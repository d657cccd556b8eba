"""The dry run of a study: its configuration, stages, cells and cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablations.report.costs import PredictedCost
from ablations.settings.cells import CellSettings
from ablations.settings.study import Study
from ablations.settings.study_file import arm_tokenizers
from ablations.study import estimate
from ablations.study.opening import study_to_run
from ablations.study.resolved import resolved, written_by_user
from curation import dry_run as curation_dry_run
from curation.recipes.recipe import Recipe
from curation.recipes.resolved_yaml import resolved_yaml
from curation.runtime.command_line.options import Command


@dataclass(frozen=True)
class StudyDryRun:
    """What `loam study --dry-run` prints.

    Attributes:
        config: the study with everything that was left to defaults.
        written: what of it the user wrote.
        stages: the tree of stages and cells, one line each.
    """

    config: Mapping[str, Any]
    written: Mapping[str, Any]
    stages: Sequence[str]
    estimate: PredictedCost


def dry_run(command: Command) -> StudyDryRun:
    """Builds everything and times a little of it; writes nothing."""
    study, recipe = study_to_run(command)
    stages = list(tree(study, recipe))
    cost = estimate.predicted_cost(study, recipe, command.compute)
    return StudyDryRun(resolved(study, recipe), written_by_user(study, recipe), stages, cost)


def as_text(result: StudyDryRun) -> str:
    """The study as YAML, in which what was left to defaults is marked, the tree, and the estimate."""
    config = resolved_yaml(result.config, result.written)
    return "\n".join((config, *result.stages, "", *estimate.lines(result.estimate), "", "nothing was written"))


def tree(study: Study, recipe: Recipe) -> Iterator[str]:
    """The stages with their shards, and the cells, one line each."""
    yield from curation_dry_run.tree(recipe, curation_dry_run.sources(recipe))
    controls = study.control_settings
    tokenizers = {named.key: named for named in arm_tokenizers(study, recipe).values()}
    for named in tokenizers.values():
        sources = " + ".join(named.settings.sources)
        yield f"  tokenizer {named.name}: {named.settings.kind}, {named.settings.vocab_size} pieces, of {sources}"
    yield "  tokenizer controls: one piece a word"
    yield f"  encode and join: {len(recipe.sources)} sources" + (" under each" if len(tokenizers) > 1 else "")
    yield "cells"
    for arm, settings in study.arms.items():
        cells = study.cells_of_arm(arm)
        mixture = " + ".join(f"{weight:g} {source}" for source, weight in study.mixture(arm).items())
        yield f"  {arm}: {mixture}, tokens x {settings.fraction:g}, {shape(cells)}, {study.seeds} seeds"
    for arm, control in controls.arms.items():
        cells = study.cells_of_control(arm)
        yield f"  {arm}: {control.source}, {shape(cells)}, {controls.seeds or study.seeds} seeds"


def shape(cells: CellSettings) -> str:
    """A cell's model and length in words."""
    model = cells.model
    return f"{model.layers} layers x {model.width} wide, context {model.context}, {cells.schedule.tokens:,} tokens"
