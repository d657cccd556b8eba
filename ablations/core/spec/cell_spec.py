"""The two files that define a cell: `cell.json`, its training, and `measuring.json`, what is measured of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from ablations.core.spec.measuring_spec import MeasuringSpec
from ablations.core.spec.strict import Problem, as_json, build, not_positive
from ablations.core.spec.training_spec import TrainingSpec
from curation.runtime.errors import ConfigError

T = TypeVar("T")
CELL, MEASURING = "cell.json", "measuring.json"


@dataclass(frozen=True)
class CellSpec:
    """The contents of a cell.json.

    Attributes:
        arm, seed: what the cell is called: the arm's name, and the number of its seed.
        training: what its weights depend on.
        checkpoint_every_steps: changes no byte of a result.
        defaults: paths in `training` that the user left to defaults, for readers.
        plugins: paths in the cell's folder of the files that its optimizer and its schedule come from, if they are not ours.
    """

    arm: str
    seed: int
    training: TrainingSpec
    format: Literal[2] = 2
    checkpoint_every_steps: int = 100
    defaults: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()

    def problems(self) -> list[Problem]:
        return not_positive(self, "checkpoint_every_steps")

    def to_json(self) -> dict[str, Any]:
        return dict(as_json(self))


def read_spec(folder: Path) -> CellSpec:
    """The spec of a cell's folder.

    Raises:
        ConfigError: no cell.json, no JSON in it, or a spec that cannot be used.
    """
    return _read(folder, CELL, CellSpec)


def read_measuring(folder: Path) -> MeasuringSpec | None:
    """What to measure of a cell; None where its folder does not list it.

    Raises:
        ConfigError: measuring.json cannot be used.
    """
    return _read(folder, MEASURING, MeasuringSpec) if (folder / MEASURING).exists() else None


def _read(folder: Path, name: str, cls: type[T]) -> T:
    path = folder / name
    try:
        parsed = json.loads(path.read_text(encoding="utf8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}. Give a folder that holds a cell.json.") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON ({error}). Write the cell again.") from error
    return build(cls, parsed, name)


def paths_of(value: Any, above: Sequence[str] = ()) -> list[str]:
    """The dotted paths of all values of nested mappings."""
    if isinstance(value, dict) and value:
        return [path for key, inner in value.items() for path in paths_of(inner, (*above, str(key)))]
    return [".".join(above)]
