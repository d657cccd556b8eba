"""Finds the configs that come with the program, in the source tree and in an installed wheel alike."""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).parent
PLACES = (HERE.parent / "configs", HERE / "configs")


def find(name: str) -> str:
    """The path of a shipped config."""
    for place in PLACES:
        if (place / name).is_file():
            return str(place / name)
    raise FileNotFoundError(f"configs/{name} does not come with this installation")


def resolve(path: str) -> str:
    """A user's path, or the shipped config of that name when there is no such file: `configs/demo.yaml` works anywhere."""
    name = path.removeprefix("configs/")
    if not os.path.exists(path):
        for place in PLACES:
            if (place / name).is_file():
                return str(place / name)
    return path
