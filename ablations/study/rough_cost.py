"""Rough cost of a cell, from its shape alone: for lists and plans that must not train anything. `--dry-run` measures instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablations.core.model.flops import flops_a_token
from ablations.core.spec.machine import is_gpu

if TYPE_CHECKING:
    from ablations.study.drafts import Draft

# Operations a second of one core of a 2.5 GHz Xeon beside a busy one, measuring counted in: 1,024,000 tokens of 2 layers, 64 wide,
# in 27 seconds, and 2,500,000 of 2 layers, 128 wide, in 105. Wider matrices are quicker, up to what a core can do.
OPERATIONS_PER_SECOND = 2.0e10  # of models 64 wide
FASTER, MOST_PER_SECOND = 1.4, 1.0e11  # the power of the width with which the speed rises, and where it ends
# An assumption: a tenth of what an H200 can do at best.
GPU_OPERATIONS_PER_SECOND = 1e14


def cell_seconds(draft: Draft) -> float:
    """On one core, or on a GPU where the cell needs one."""
    core = min(MOST_PER_SECOND, OPERATIONS_PER_SECOND * (draft.training.model.width / 64) ** FASTER)
    return operations(draft) / (GPU_OPERATIONS_PER_SECOND if needs_gpu(draft) else core)


def needs_gpu(draft: Draft) -> bool:
    return is_gpu(draft.training.compute.device)


def operations(draft: Draft) -> float:
    """Floating-point operations of a cell's training."""
    return flops_a_token(draft.training.model) * draft.training.schedule.tokens
