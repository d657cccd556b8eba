"""The order of a training: at which steps weights are kept, and what happens between."""

from __future__ import annotations

from typing import Protocol

from ablations.core.spec.training_spec import TrainingSpec
from ablations.core.training.training import Training

LOOK_EVERY = 16  # steps after which the device is asked whether the losses still are numbers; asking waits for it


class Watcher(Protocol):
    """Callbacks of a training, which change nothing."""

    def at_point(self) -> None:
        """Called at each step whose weights are kept."""

    def after_step(self) -> None:
        """Called after each step."""


def run_steps(training: Training, spec: TrainingSpec, watcher: Watcher) -> None:
    """From the present step of `training` to the last one, or to where it is lost."""
    points = set(spec.evaluation_steps())
    while True:
        at_point = training.step in points
        if (at_point or training.step % LOOK_EVERY == 0) and training.lost_at():
            return
        if at_point:
            watcher.at_point()
        if training.step >= spec.steps:
            return
        training.advance()
        watcher.after_step()
