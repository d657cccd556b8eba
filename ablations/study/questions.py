"""The power of a study's claims, and the difference between two of its arms. Runs nothing."""

from __future__ import annotations

from ablations.cells import sweep
from ablations.cells.cell_states import states
from ablations.evidence import compare as comparing
from ablations.evidence import power
from ablations.evidence.design.base import Design
from ablations.evidence.pilot import finished_cells, pilot_of
from ablations.settings import study_file as settings
from ablations.settings.study import Study
from ablations.study import pipeline as studies
from ablations.study.drafts import drafts
from ablations.study.fitting_prompts import expected_prompts
from ablations.study.opening import prepared_study
from ablations.study.planned_design import planned_design
from ablations.study.rough_cost import cell_seconds
from curation.recipes.recipe import Recipe
from curation.runtime.command_line.options import Command
from curation.runtime.errors import UnfinishedError


def power_of_claims(command: Command, pilot: str | None) -> power.StudyPower:
    """Variances are those of the cells in `pilot`, an output folder, else of the study's own, else of cells measured for Loam."""
    study, recipe = settings.load(command.path, command.settings, command.plugins)
    studies.check(study, recipe)
    own = study.loaded_plugins
    cells = pilot_of(pilot, plugins=own) if pilot else finished_cells(command.folder, study.name, own)
    seconds = [] if cells.seconds else [(draft.arm, cell_seconds(draft)) for draft in drafts(study)]
    return power.study_power(study, cells, _design(command, study, recipe), seconds)


def _design(command: Command, study: Study, recipe: Recipe) -> Design:
    """The design with what is known of its text, where that is encoded; else with what is expected of its prompts."""
    try:
        prepared = prepared_study(command)
    except UnfinishedError:
        return Design.of(study, fitting=expected_prompts(study, recipe), expected=True)
    return planned_design(study, prepared.plans)


def compare(command: Command, a: str, b: str, measure: str) -> comparing.ArmComparison:
    """Two arms, or two cells by name, in one measure."""
    prepared, out = prepared_study(command), command.opened()
    return comparing.compare(sweep.results(states(prepared.plans, out), out), a, b, measure)
