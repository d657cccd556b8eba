"""The training of one cell, step by step; everything that the next step depends on is in its `state`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ablations.core.data.mixture import MixedWindows
from ablations.core.model.model import Model, loss_of
from ablations.core.spec.training_spec import TrainingSpec
from ablations.core.training.members import Members
from curation.runtime.errors import LoamError

LossFunction = Callable[[nn.Module, Tensor, Tensor], Tensor]


class Training:
    """A model on its way through a mixture.

    Args:
        spec: of the training.
        windows: its training data by number.
        members: its optimizer and its schedule.
    """

    def __init__(self, spec: TrainingSpec, windows: MixedWindows, members: Members) -> None:
        self.spec, self.windows, self.schedule = spec, windows, members.schedule
        self.device = torch.device(spec.compute.device)
        self.model = Model(spec.model, spec.seeds.init).to(self.device)
        self.optimizers = _with_peaks(members.optimizer.steppers(self.model))
        self.step = 0
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=self.device)  # since the last `mean_loss`
        self.loss_steps = 0
        self._loss = _compiled() if spec.compute.compile else loss_of

    def advance(self) -> None:
        """One step: the next batch, its gradient, an update."""
        windows_BT = torch.from_numpy(self.windows.batch(self.step, self.spec.schedule.batch)).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.spec.compute.dtype == "bfloat16"):
            loss = self._loss(self.model, windows_BT[:, :-1], windows_BT[:, 1:])
        loss.backward()  # type: ignore[no-untyped-call]
        share = self.schedule.share(self.step, self.spec.steps)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * share
            optimizer.step()
            optimizer.zero_grad()
        self.loss_sum += loss.detach()
        self.loss_steps += 1
        self.step += 1

    def check_loss(self) -> float | None:
        """Mean training loss in nats since the last `restart_mean`; None before any step.

        Raises:
            LoamError: it is not a number. Nothing later can be, so the run stops here.
        """
        if self.loss_steps == 0:
            return None
        mean = float(self.loss_sum) / self.loss_steps
        if not math.isfinite(mean):
            place = f"steps {self.step - self.loss_steps + 1} to {self.step} of {self.spec.steps}"
            raise LoamError(f"{place}: the training loss is {mean}. Lower optimizer.learning_rate and start afresh.")
        return mean

    def restart_mean(self) -> None:
        self.loss_sum.zero_()
        self.loss_steps = 0

    def state(self) -> dict[str, Any]:
        """All that the next step depends on, for `torch.save`."""
        return {
            "step": self.step,
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "loss_sum": self.loss_sum,
            "loss_steps": self.loss_steps,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Continue from a `state` of the same spec."""
        self.step, self.loss_steps = state["step"], state["loss_steps"]
        self.loss_sum.copy_(state["loss_sum"])
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)


def _with_peaks(optimizers: Sequence[Optimizer]) -> Sequence[Optimizer]:
    """Each group remembers its peak rate as `peak`."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return optimizers


def _compiled() -> LossFunction:
    """One compilation a process for each shape of model: the weights are inputs of the compiled function."""
    global _LOSS
    if _LOSS is None:
        _LOSS = torch.compile(loss_of, dynamic=False)
    return _LOSS


_LOSS: LossFunction | None = None
