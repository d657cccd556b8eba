"""How long a step of a cell takes on this machine, from a few steps on random tokens."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ablations.core.spec.training_spec import TrainingSpec
from ablations.core.training.members import members_of
from ablations.core.training.training import Training
from curation.runtime.registry import Plugin

STEPS = 20
WARM_UP = 5  # steps that compile and fill caches


@dataclass(frozen=True)
class StepTime:
    """Seconds before the first ordinary step, seconds a step, and the number of weights."""

    setup_seconds: float
    step_seconds: float
    parameters: int


class _RandomWindows:
    """Takes the place of a cell's mixture; which tokens they are does not change how long a step takes."""

    def __init__(self, spec: TrainingSpec) -> None:
        self.spec = spec

    def batch(self, step: int, size: int) -> npt.NDArray[np.int64]:
        shape = (size, self.spec.model.context + 1)
        return np.random.default_rng(step).integers(0, self.spec.model.vocab_size, shape)


def time_steps(spec: TrainingSpec, plugins: Sequence[Plugin] = (), steps: int = STEPS) -> StepTime:
    """Train `steps` steps of the cell's shape and discard them."""
    torch.set_num_threads(spec.compute.threads)
    started = time.perf_counter()
    training = Training(spec, _RandomWindows(spec), members_of(spec, plugins), plugins)  # type: ignore[arg-type]
    for _ in range(WARM_UP):
        training.advance()
    warm = _now(training.device)
    for _ in range(steps - WARM_UP):
        training.advance()
    step_seconds = (_now(training.device) - warm) / (steps - WARM_UP)
    parameters = sum(weight.numel() for weight in training.model.parameters())
    return StepTime(max(0.0, warm - started - WARM_UP * step_seconds), step_seconds, parameters)


def _now(device: torch.device) -> float:
    """Seconds, once the device has finished its queue: a GPU runs work long after it was queued."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
