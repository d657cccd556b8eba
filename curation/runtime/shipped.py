"""Finds the configs that come with the program, in the source tree and in an installed wheel alike."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from curation.runtime.config import read_yaml
from curation.runtime.errors import ConfigError, one_of

HERE = Path(__file__).parents[1]  # the package curation
PLACES = (HERE.parent / "configs", HERE / "configs")


def find_config(name: str) -> str:
    """The path of a shipped config."""
    for place in PLACES:
        if (place / name).is_file():
            return str(place / name)
    raise FileNotFoundError(f"configs/{name} does not come with this installation")


def resolve_config(path: str) -> str:
    """A user's path, or the shipped config of that name when there is no such file: `configs/demo.yaml` works anywhere."""
    name = path.removeprefix("configs/")
    if not os.path.exists(path):
        for place in PLACES:
            if (place / name).is_file():
                return str(place / name)
    return path


@cache
def presets() -> tuple[str, ...]:
    """The names of all presets."""
    return tuple(sorted({file.stem for place in PLACES for file in (place / "presets").glob("*.yaml")}))


@cache
def preset(name: str) -> dict[str, Any]:
    """The bounds of a preset: annotator -> score -> bound.

    Raises:
        ConfigError: there is no preset of that name.
    """
    if name not in presets():
        raise ConfigError(f"preset: {one_of(presets(), name, 'preset')}")
    bounds: dict[str, Any] = read_yaml(find_config(f"presets/{name}.yaml"))["keep"]
    return bounds
