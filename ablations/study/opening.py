"""Opens a study for a command: loaded and checked, or with the plans of its cells."""

from __future__ import annotations

from ablations.evidence.design.base import Design
from ablations.settings import study_file as settings
from ablations.settings.study import Study
from ablations.study import pipeline as studies
from ablations.study.pipeline import Prepared
from ablations.study.planned_design import check_design
from curation.recipes.recipe import Recipe
from curation.runtime.cluster.cluster import Idle
from curation.runtime.command_line.options import Command


def loaded_study(command: Command) -> tuple[Study, Recipe]:
    """A study and its recipe, checked as far as can be without reading text."""
    study, recipe = settings.load(command.path, command.settings, command.plugins)
    studies.check(study, recipe)
    if warning := studies.undecidable(study):
        command.note(f"warning: {warning}")
    return study, recipe


def study_to_run(command: Command) -> tuple[Study, Recipe]:
    """The same, with the design's warnings told.

    Raises:
        ConfigError: cells of this design could not show what they are run for, and the study does not accept that.
    """
    study, recipe = loaded_study(command)
    for warning in check_design(study, Design.of(study, repetitions={})):  # which are known exactly, and checked, later
        command.note(warning)
    return study, recipe


def prepared_study(command: Command) -> Prepared:
    """The plans of a study whose curation and tokens are finished; nothing is run for it.

    Raises:
        UnfinishedError: they are not.
    """
    study, recipe = loaded_study(command)
    path = command.path
    waiting = f"{path}: not curated and encoded in {command.out} yet. Run `loam ablate run {path}` first."
    return studies.prepare(study, recipe, command.opened(), Idle(message=waiting))
