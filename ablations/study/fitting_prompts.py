"""Which numbers of demonstrations a study's contexts have room for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ablations.cells.cells import CellPlan
from ablations.evidence.design.few_fit import FewFit, too_few
from ablations.prompts.fitting import Fitting, expected_fitting, fitting
from ablations.settings.study import Study
from curation.recipes.recipe import Recipe
from curation.runtime.errors import ConfigError

OfTasks = dict[tuple[str, int], Fitting]  # (task, context)


def fitting_prompts(plans: Iterable[CellPlan]) -> OfTasks:
    """Of the items that are made for cells."""
    return {
        (task, plan.spec.training.model.context): fitting(file.value)
        for plan in plans
        for task, file in plan.measuring.items.items()
    }


def expected_prompts(study: Study, recipe: Recipe) -> OfTasks:
    """Before there is a tokenizer."""
    contexts = sorted({study.cells_of_arm(arm).model.context for arm in study.arms})
    return {
        (task.name, context): expected_fitting(task, recipe.root, context, study.loaded_plugins)
        for task in study.task_settings
        for context in contexts
    }


def check_fitting(study: Study, plans: Sequence[CellPlan]) -> None:
    """Refuse demonstrations that the prompts have no room for, before any cell is trained.

    Raises:
        ConfigError: fewer than 95 % of the prompts of a k fit, and the study does not accept that.
    """
    if FewFit.kind in study.accept:
        return
    first = {plan.arm: plan for plan in reversed(plans) if not plan.control}
    for concern in too_few(fitting_prompts(first.values())):
        raise ConfigError(f"{concern}; or write accept: [{FewFit.kind}].")
