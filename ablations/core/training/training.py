"""The training of one cell, step by step; everything that the next step depends on is in its `state`."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ablations.core.data.hashing import hash_numbers
from ablations.core.data.mixture import MixedWindows
from ablations.core.model.model import NOT_LEARNED, Model, loss_of
from ablations.core.spec.training_spec import TrainingSpec
from ablations.core.training.compiled import compiled_loss
from ablations.core.training.losses import Losses
from ablations.core.training.members import Members
from ablations.core.training.spikes import SpikeWatch
from ablations.core.training.visible import learned_from, visible
from curation.runtime.registry import Plugin


class Training:
    """A model on its way through a mixture.

    Args:
        spec: of the training.
        windows: its training data by number.
        members: its optimizer and its schedule.
        plugins: files with further parts of its model.

    Attributes:
        step: steps that were taken.
        passed_over: batches that rewinds left behind, so that step n reads batch n + `passed_over`.
    """

    def __init__(
        self, spec: TrainingSpec, windows: MixedWindows, members: Members, plugins: Sequence[Plugin] = ()
    ) -> None:
        self.spec, self.windows, self.schedule = spec, windows, members.schedule
        self.device = torch.device(spec.compute.device)
        self.model = Model(spec.model, spec.seeds.init, plugins).to(self.device)
        self.optimizers = _with_peaks(members.optimizer.steppers(self.model))
        self.step = self.passed_over = 0
        self.losses = Losses(spec.steps, self.device)
        self.spikes = SpikeWatch(spec.spikes, self.device)
        self.kept: list[dict[str, Any]] = []  # states to go back to, the oldest first
        self._loss = compiled_loss(spec, plugins) if spec.compute.compile else loss_of

    def advance(self) -> None:
        """One step: the next batch, its gradient, an update; or, where a loss spikes, what the spec says."""
        self._keep_to_go_back()
        loss = self._gradient()
        spike = self.spikes.told(loss)
        said = self.spec.spikes
        spiked = said.action != "count" and bool(spike)
        if spiked and said.action == "rewind" and self.spikes.rewinds < said.most:
            self._rewind()
            return
        skips = spiked and said.action == "skip" and int(self.spikes.in_row) <= said.most
        if skips:
            self._zero_grad()
        else:
            self._update()
        self.losses.add(self.step, loss, learned=not skips)
        self.step += 1

    def _gradient(self) -> Tensor:
        """Of the next batch, left in the weights; returns its mean loss."""
        schedule, compute, mask = self.spec.schedule, self.spec.compute, self.model.parts.mask
        batch_BT = torch.from_numpy(self.windows.batch(self.step + self.passed_over, schedule.batch)).to(self.device)
        draws = hash_numbers(schedule.batch, "prefix", self.spec.seeds.order, self.step)
        prefix_B = mask.prefixes(self.step, self.spec.steps, self.spec.model.context, draws)
        targets_BT = learned_from(batch_BT[:, 1:], prefix_B)
        bos = self.spec.bos if self.spec.document_mask else None
        size = compute.micro_batch or schedule.batch
        loss = torch.zeros((), dtype=torch.float64, device=self.device)
        counted = None if prefix_B is None else (targets_BT != NOT_LEARNED).sum()
        for start in range(0, schedule.batch, size):
            part = slice(start, start + size)
            seen_BTS = visible(batch_BT[part, :-1], None if prefix_B is None else prefix_B[part], bos)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=compute.dtype == "bfloat16"):
                mean = self._loss(self.model, batch_BT[part, :-1], targets_BT[part], seen_BTS)
            # a part counts by its targets: adding up then gives the mean of the whole batch
            share = size / schedule.batch if counted is None else (targets_BT[part] != NOT_LEARNED).sum() / counted
            (mean * share).backward()  # type: ignore[no-untyped-call]
            loss += (mean * share).detach()
        return loss

    def _update(self) -> None:
        if self.spec.gradient_clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.spec.gradient_clip)
        share = self.schedule.share(self.step, self.spec.steps)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * share
            optimizer.step()
        self._zero_grad()

    def _zero_grad(self) -> None:
        for optimizer in self.optimizers:
            optimizer.zero_grad()

    def _keep_to_go_back(self) -> None:
        if self.spec.spikes.action == "rewind" and self.step % self.spec.spikes.back == 0:
            others = [state for state in self.kept if state["step"] != self.step]
            self.kept = [*others[-1:], copy.deepcopy(self._weights())]

    def _rewind(self) -> None:
        """To the older of the kept states; the batches up to the one that spiked are not read again."""
        self._zero_grad()
        next_batch, rewinds = self.step + self.passed_over + 1, self.spikes.rewinds + 1
        spikes = self.spikes.spikes.clone()
        self._load_weights(copy.deepcopy(self.kept[0]))
        self.kept = self.kept[:1]
        self.spikes.rewinds = rewinds
        self.spikes.spikes.copy_(spikes)
        self.passed_over = next_batch - self.step

    def lost_at(self) -> int | None:
        """The step, counted from 1, that was learned from though its loss was not a number: nothing later can be one."""
        step = int(self.losses.lost)
        return None if step < 0 else step + 1

    def has_numbers(self) -> bool:
        """Whether all weights are finite."""
        return all(bool(torch.isfinite(weight).all()) for weight in self.model.parameters())

    def state(self) -> dict[str, Any]:
        """All that the next step depends on, for `torch.save`."""
        return {**self._weights(), "passed_over": self.passed_over, "kept": self.kept}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self._load_weights(state)
        self.passed_over, self.kept = state["passed_over"], state["kept"]

    def _weights(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "sums": self.losses.state(),
            "spikes": self.spikes.state(),
        }

    def _load_weights(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.losses.load(state["sums"])
        self.spikes.load(state["spikes"])
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)


def _with_peaks(optimizers: Sequence[Optimizer]) -> Sequence[Optimizer]:
    """Each group remembers its peak rate as `peak`."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return optimizers
