"""Optimizers of a cell and the learning rate of each step."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from ablations.core.spec.training_spec import OptimizerSpec, ScheduleSpec
from ablations.core.training.muon import MuonFloat32


def optimizers_of(model: nn.Module, spec: OptimizerSpec) -> list[Optimizer]:
    """One or two optimizers; each group remembers its peak rate as `peak`.

    Muon is for matrices between activations. Embeddings and the output are tables of vectors and go to AdamW.
    """
    hidden = [weight for name, weight in model.named_parameters() if name.startswith("blocks.")]
    others = [weight for name, weight in model.named_parameters() if not name.startswith("blocks.")]
    made: list[Optimizer] = []
    if spec.kind == "muon":
        made.append(torch.optim.Muon(hidden, spec.learning_rate, spec.weight_decay, spec.momentum))
    elif spec.kind == "muon_float32":
        made.append(MuonFloat32(hidden, spec.learning_rate, spec.weight_decay, spec.momentum))
    else:
        others += hidden
    made.append(
        AdamW(others, spec.adam_learning_rate, (spec.beta1, spec.beta2), weight_decay=spec.weight_decay, fused=True)
    )
    for optimizer in made:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return made


def share_of_peak(step: int, steps: int, schedule: ScheduleSpec) -> float:
    """Learning rate of step 0 .. steps - 1 as a share of its peak: linear up, flat, and for `wsd` linear down to zero.

    Source of wsd: Hu et al. 2024, https://arxiv.org/abs/2404.06395.
    """
    share = min(1.0, (step + 1) / (schedule.warmup_steps + 1))
    falling = schedule.cooldown * steps
    return min(share, (steps - step) / falling) if falling else share


def set_share(optimizers: list[Optimizer], share: float) -> None:
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * share
