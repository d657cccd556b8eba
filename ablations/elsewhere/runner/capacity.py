"""How many cells run at a time by default."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ablations.core.model.memory import model_bytes
from ablations.core.spec.machine import is_gpu
from ablations.core.spec.training_spec import TrainingSpec

CONTEXT_BYTES = 1.5 * 2**30  # of a CUDA process before it does anything
MEMORY_SHARE = 0.9
SCORED_AT_ONCE = 128  # sequences, at most, when it is measured
MOST_A_GPU = 4  # processes take turns on a GPU; a few fill the gaps that Python leaves


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus_of(wanted: Sequence[str]) -> tuple[str, ...]:
    """Values of CUDA_VISIBLE_DEVICES, one for each GPU to use: the wanted numbers of those that are visible, or all."""
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(number) for number in range(torch.cuda.device_count())]
    return tuple(names[int(number)] for number in wanted) if wanted else tuple(names)


def processes(specs: Sequence[TrainingSpec], cores: int, gpus: Sequence[str]) -> int:
    """As many as there are cores for their threads; and for GPUs as their memory holds, but few each.

    Raises nothing for a cell that is too large: it runs alone, and fails with its own error.
    """
    if not specs:
        return 1
    by_cores = cores // max(spec.compute.threads for spec in specs)
    if any(is_gpu(spec.compute.device) for spec in specs):
        fit = int(MEMORY_SHARE * _gpu_memory() // max(gpu_bytes(spec) for spec in specs))
        by_cores = min(by_cores, len(gpus) * max(1, min(MOST_A_GPU, fit)))
    return max(1, by_cores)


def gpu_bytes(spec: TrainingSpec) -> float:
    """What a cell needs of a GPU, generously."""
    tokens = spec.model.context * max(spec.schedule.batch, SCORED_AT_ONCE)
    return CONTEXT_BYTES + model_bytes(spec.model, tokens)


def _gpu_memory() -> int:
    import torch

    count = torch.cuda.device_count()
    return min(torch.cuda.get_device_properties(number).total_memory for number in range(count))
