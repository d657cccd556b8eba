"""A study with everything in it that was left to defaults, and beside it what its user wrote."""

from __future__ import annotations

import os
from typing import Any

from ablations.core.spec.strict import as_json
from ablations.settings.study import Study
from ablations.study.pipeline import metric_names
from curation.recipes import loading
from curation.recipes.recipe import Recipe
from curation.recipes.resolved import resolved as resolved_recipe
from curation.runtime.config import merged


def resolved(study: Study, recipe: Recipe) -> dict[str, Any]:
    """The whole study as one mapping, with everything that was left to defaults."""
    controls = study.control_settings
    arms = {
        name: {**arm.model_dump(mode="json"), "cells": as_json(study.cells_of_arm(name))}
        for name, arm in study.arms.items()
    }
    control_arms = {
        name: {
            **arm.model_dump(mode="json"),
            "cells": as_json(study.cells_of_control(name)),
        }
        for name, arm in controls.arms.items()
    }
    return {
        **study.model_dump(mode="json", exclude={"cells"}),
        "arms": arms,
        "recipe": resolved_recipe(recipe),
        "tasks": [task.model_dump(mode="json") for task in study.task_settings],
        "controls": {**controls.model_dump(mode="json", exclude={"cells"}), "arms": control_arms},
        "metrics": metric_names(study),
    }


def written_by_user(study: Study, recipe: Recipe) -> dict[str, Any]:
    """The part of `resolved` that the user wrote; the rest was left to defaults."""
    written = study.model_dump(mode="json", exclude_unset=True)
    arms = {
        name: {**arm, "cells": merged(study.cells, arm.get("cells", {}))}
        for name, arm in written.get("arms", {}).items()
    }
    return {
        **written,
        "arms": arms,
        "recipe": loading.with_base(study.recipe, os.path.join(study.folder, "study"))[0],
        "controls": study.controls,
    }
