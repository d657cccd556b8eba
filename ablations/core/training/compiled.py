"""The loss as torch compiles it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ablations.core.model.model import loss_of
from ablations.core.spec.training_spec import TrainingSpec
from curation.runtime.registry import Plugin

LossFunction = Callable[[nn.Module, Tensor, Tensor, Tensor | None], Tensor]


def compiled_loss(spec: TrainingSpec, plugins: Sequence[Plugin]) -> LossFunction:
    """Compiled once in a process for cells of one shape that follow each other: the weights are inputs of the compiled function.

    torch remembers what it has compiled in a process. It keeps 8 shapes and runs further ones uncompiled, which rounds otherwise,
    so that weights would depend on which cells the process had trained before. So all is forgotten when another shape comes.
    """
    global _SHAPE, _LOSS
    shape = repr((spec.model, spec.compute, spec.schedule.batch, spec.document_mask, plugins))
    if _LOSS is None or shape != _SHAPE:
        torch.compiler.reset()
        _SHAPE, _LOSS = shape, torch.compile(loss_of, dynamic=False)
    return _LOSS


_SHAPE = ""
_LOSS: LossFunction | None = None
