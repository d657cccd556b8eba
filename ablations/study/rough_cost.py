"""Rough cost of a cell, from its shape alone: for lists and plans that must not train anything. `--dry-run` measures instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablations.core.model.flops import flops_a_token
from ablations.core.spec.machine import is_gpu

if TYPE_CHECKING:
    from ablations.study.drafts import Draft

# Operations a second of one core of a 2.5 GHz Xeon with models as small as the controls', their measuring counted in: 1,024,000
# tokens of 2 layers x 64 in 37 seconds. Larger matrices are quicker, so a study of larger models takes less than estimated.
OPERATIONS_PER_SECOND = 1.5e10
# An assumption: a tenth of what an H200 can do at best.
GPU_OPERATIONS_PER_SECOND = 1e14


def cell_seconds(draft: Draft) -> float:
    """On one core, or on a GPU where the cell needs one."""
    return operations(draft) / (GPU_OPERATIONS_PER_SECOND if needs_gpu(draft) else OPERATIONS_PER_SECOND)


def needs_gpu(draft: Draft) -> bool:
    return is_gpu(draft.training.compute.device)


def operations(draft: Draft) -> float:
    """Floating-point operations of a cell's training."""
    return flops_a_token(draft.training.model) * draft.training.schedule.tokens
