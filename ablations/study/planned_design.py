"""The design of a study whose cells are planned, and its refusal before any of them is trained."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ablations.cells.cells import CellPlan
from ablations.cells.repetition import planned_repetitions
from ablations.evidence.design.base import Design
from ablations.evidence.design_checks import checked
from ablations.settings.planned_reading import PlannedReading
from ablations.settings.study import Study
from ablations.study.fitting_prompts import fitting_prompts
from curation.runtime.errors import ConfigError


def planned_design(study: Study, plans: Sequence[CellPlan]) -> Design:
    """With what is known once text and items are there: how often sources are read, and which prompts fit."""
    first = _first_of_arms(plans)
    repetitions = {
        (arm, part.source): times
        for arm, plan in first.items()
        for part, times in zip(plan.training.train, planned_repetitions(plan), strict=True)
    }
    return Design.of(study, repetitions, fitting_prompts(first.values()))


def check_planned(study: Study, plans: Sequence[CellPlan]) -> None:
    """Refuse cells that are about to be trained, by their steps and prompts.

    How often they read their sources is left out: it refuses nothing, and to know it their text would be fetched.

    Raises:
        ConfigError: see `check_design`.
    """
    first = _first_of_arms(plans)
    steps = {
        (arm, part.source): PlannedReading(math.nan, plan.training.steps)
        for arm, plan in first.items()
        for part in plan.training.train
    }
    check_design(study, Design.of(study, steps, fitting_prompts(first.values())))


def _first_of_arms(plans: Sequence[CellPlan]) -> dict[str, CellPlan]:
    return {plan.arm: plan for plan in reversed(plans) if not plan.control}


def check_design(study: Study, design: Design) -> list[str]:
    """The design's warnings.

    Raises:
        ConfigError: cells could not show what they are run for, or not rightly, and the study does not accept that.
    """
    found = checked(design)
    if found.refusals:
        raise ConfigError("\n".join(found.refusals))
    return found.warnings
