"""Speed of a training step of a cell."""

from __future__ import annotations

import torch

from ablations.core.training.step_time import time_steps
from benchmarks.bench_cell import bench_spec
from benchmarks.record import keep

SHAPE, BATCH = {"layers": 2, "width": 64, "heads": 4, "context": 128, "mlp_ratio": 1, "vocab_size": 1024}, 16


def training() -> None:
    """Tokens a second on a processor, eager and compiled; `utilisation.py` measures GPUs."""
    for compiled in (False, True):
        spec = bench_spec(SHAPE, BATCH, "muon_float32", compile=compiled)
        found = time_steps(spec, steps=40)
        name = f"training on cpu, {'compiled' if compiled else 'eager'}"
        rate = spec.tokens_a_step / found.step_seconds
        keep(
            name, rate, "tokens/s", model=SHAPE, batch=BATCH, setup_seconds=found.setup_seconds, torch=torch.__version__
        )
