"""A study of two arms, web and forum, in a file, and a claim that they differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ablations.settings import study_file as settings
from ablations.settings.study import Study
from ablations.study import pipeline
from curation.recipes.recipe import Recipe

MEASURE = "bits_per_byte.web"


def loaded(folder: Path, claim: dict[str, Any], **changes: Any) -> tuple[Study, Recipe]:
    """A study of one claim, with these settings changed, as its file is loaded and checked."""
    (folder / "a.txt").write_text("text", encoding="utf8")
    source = {"kind": "files", "path": "a.txt"}
    study = {
        "name": "s", "recipe": {"data_root": str(folder), "sources": {"web": source, "forum": source}},
        "arms": {"web": {"mixture": {"web": 1}}, "forum": {"mixture": {"forum": 1}}},
        "cells": {
            "model": {"layers": 1, "width": 16, "heads": 2, "context": 48},
            "schedule": {"tokens": 6144, "batch": 4},
            "optimizer": {"learning_rate": 0.01, "adam_learning_rate": 0.02},
        },
        "claims": [claim], "seeds": 5, **changes,
    }  # fmt: skip
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study), encoding="utf8")
    found, recipe = settings.load(str(path))
    pipeline.check(found, recipe)
    return found, recipe


DIFFERS = {"differs": {"arm_a": "web", "arm_b": "forum", "measure": MEASURE}}
