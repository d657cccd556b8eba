"""The order of a training: at which steps weights are kept, and what happens between."""

from __future__ import annotations

from typing import Protocol

from ablations.core.spec.training_spec import TrainingSpec
from ablations.core.training.training import Training


class Watcher(Protocol):
    """Told of what happens; it changes nothing."""

    def at_point(self) -> None:
        """The weights are those of a step at which they are kept."""

    def after_step(self) -> None:
        """A step has been made."""


def run_steps(training: Training, spec: TrainingSpec, watcher: Watcher) -> None:
    """From the present step of `training` to the last one."""
    points = set(spec.evaluation_steps())
    while True:
        if training.step in points:
            watcher.at_point()
        if training.step >= spec.steps:
            return
        training.advance()
        watcher.after_step()
