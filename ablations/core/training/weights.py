"""A trained cell's weights: those of the end, and those that were kept along the way, each known by its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from ablations.core.model.model import Model
from ablations.core.spec.training_spec import TrainingSpec
from curation.runtime.errors import ConfigError, InputError
from curation.runtime.registry import Plugin
from curation.runtime.whole_files import write_whole

TRAINING, FINAL, POINTS = "training.json", "model.safetensors", "points"
FIX = "Train the cell again."


@dataclass(frozen=True)
class Point:
    """Weights that were kept: after so many steps and tokens, in a file of the cell, with 64 hex digits of its content."""

    step: int
    tokens: int
    file: str
    sha256: str


def point_file(step: int) -> str:
    return f"{POINTS}/{step:08d}.safetensors"


def save_weights(model: Model, path: Path) -> str:
    """Write a model's weights, whole or not at all; returns their hash. Tied weights are written once."""
    content = save({name: weight.detach().cpu().contiguous() for name, weight in model.named_parameters()})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Trained:
    """A trained cell in its folder.

    Attributes:
        record: its training.json.
        plugins: files with further parts of the model.
        points: kept weights in the order of steps; the last are those of the end.
    """

    folder: Path
    spec: TrainingSpec
    record: Mapping[str, Any]
    plugins: Sequence[Plugin] = ()

    @classmethod
    def read(cls, folder: Path, spec: TrainingSpec, plugins: Sequence[Plugin] = ()) -> Trained | None:
        """None where the cell has not been trained yet.

        Raises:
            ConfigError: it was trained with another spec.
            InputError: its record is none.
        """
        path = folder / TRAINING
        if not path.exists():
            return None
        try:
            record = json.loads(path.read_text(encoding="utf8"))
            trained = record["spec_digest"]
        except (ValueError, KeyError, TypeError) as error:
            fix = "Remove it to train the cell afresh."
            raise InputError(str(path), f"not the record of a training ({error})", fix) from error
        if trained != spec.digest():
            raise ConfigError(
                f"{folder}: cell.json is not the one that its weights were trained with. Restore it, or remove {TRAINING} to "
                "train afresh."
            )
        return cls(folder, spec, record, plugins)

    @property
    def points(self) -> Sequence[Point]:
        return [Point(**point) for point in self.record["points"]]

    @property
    def final(self) -> Point:
        return self.points[-1]

    @property
    def is_lost(self) -> bool:
        """Whether its loss was no number; those of the end are then the last kept weights that were."""
        return self.final.step < self.spec.steps

    def has(self, point: Point) -> bool:
        """Whether the weights are here."""
        return (self.folder / point.file).exists()

    def check(self) -> None:
        """Check the weights of the end by their hash.

        Raises:
            InputError: they are gone, or others.
        """
        self.content(self.final)

    def model_at(self, point: Point) -> Model:
        """The model as it was.

        Raises:
            InputError: its weights are not here, or not those that were trained.
        """
        model = Model(self.spec.model, self.spec.seeds.init, self.plugins)
        try:
            weights = load(self.content(point))
        except SafetensorError as error:
            raise InputError(str(self.folder / point.file), f"no weights ({error})", FIX) from error
        with torch.no_grad():
            for name, weight in model.named_parameters():
                weight.copy_(weights[name])
        return model.to(torch.device(self.spec.compute.device)).eval()

    def content(self, point: Point) -> bytes:
        """The file of kept weights.

        Raises:
            InputError: it is not here, or not the one that was written.
        """
        path = self.folder / point.file
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(str(path), "cannot be measured again here: its weights are elsewhere", FIX) from error
        if hashlib.sha256(content).hexdigest() != point.sha256:
            raise InputError(str(path), "damaged: not the weights that were trained", FIX)
        return content
