"""Which numbers of demonstrations a study's contexts have room for."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from ablations.cells.cells import CellPlan
from ablations.prompts.fitting import Fitting, expected_fitting, fitting
from ablations.prompts.task_items import ItemsFile
from ablations.settings.study import Study
from curation.recipes.recipe import Recipe

OfTasks = dict[tuple[str, int], Fitting]  # (task, context)


def fitting_prompts(plans: Iterable[CellPlan]) -> OfTasks:
    """Of the items that are made for cells."""
    return least_fitting(
        (plan.spec.training.model.context, file) for plan in plans for file in plan.measuring.items.values()
    )


def least_fitting(files: Iterable[tuple[int, ItemsFile]]) -> OfTasks:
    """Of each task, context and k the least share under any tokenizer, where arms have tokenizers of their own.

    Args:
        files: contexts, and the items that are made for them; the same may come often.
    """
    shares = functools.cache(_shares)
    found: OfTasks = {}
    for context, file in files:
        of_file = shares(file)
        before = found.get((file.task, context), of_file)
        found[file.task, context] = {k: min(share, before.get(k, 1.0)) for k, share in of_file.items()}
    return found


def _shares(file: ItemsFile) -> Fitting:
    return fitting(file.value)


def expected_prompts(study: Study, recipe: Recipe) -> OfTasks:
    """Before there is a tokenizer."""
    contexts = sorted({study.cells_of_arm(arm).model.context for arm in study.arms})
    return {
        (task.name, context): expected_fitting(task, recipe.root, context, study.loaded_plugins)
        for task in study.task_settings
        for context in contexts
    }
