"""How much of a GPU a training step uses: tokens a second and model flops utilisation (MFU)."""

from __future__ import annotations

from typing import Any

import torch

from ablations.core.model.flops import flops_a_token
from ablations.core.spec.model_spec import ModelSpec
from ablations.core.training.step_time import time_steps
from benchmarks.bench_cell import bench_spec
from benchmarks.record import keep

BATCHES = (32, 128)  # sequences a step
STEPS = 60
SHAPE = {"layers": 4, "width": 512, "heads": 8, "context": 512, "mlp_ratio": 4, "vocab_size": 16384}

# Dense bfloat16 peaks of tensor cores in FLOP/s, by a part of the name that torch gives, the longest part first. NVIDIA prints
# the double of Hopper's, since it counts with sparsity: 1,979e12 for the H200 SXM, 1,671e12 for the NVL,
# https://www.nvidia.com/en-us/data-center/h200/; for the A100 312e12, https://www.nvidia.com/en-us/data-center/a100/.
PEAKS = {"H200 NVL": 835e12, "H200": 989e12, "A100": 312e12}


def utilisation(tokens_a_second: float, model: ModelSpec, peak: float) -> float:
    """Share of the peak that the model's own operations take; optimizer and bookkeeping count as loss."""
    return tokens_a_second * flops_a_token(model) / peak


def peak_of(name: str) -> float | None:
    """Dense bfloat16 peak of a GPU by its name; None for one that is not in the list."""
    return next((peak for part, peak in PEAKS.items() if part in name), None)


def measure(device: str = "cuda") -> None:
    """Keep tokens a second and MFU of the 4 x 512 shape at 512 tokens of context, eager and compiled."""
    name = torch.cuda.get_device_name(device)
    peak = peak_of(name)
    if peak is None:
        print(f"{name}: its peak is not in benchmarks/utilisation.py, so no MFU is given. Add it from its data sheet.")
    for compiled in (False, True):
        for batch in BATCHES:
            spec = bench_spec(SHAPE, batch, device=device, compile=compiled, dtype="bfloat16")
            found = time_steps(spec, steps=STEPS)
            rate = spec.tokens_a_step / found.step_seconds
            details: dict[str, Any] = {
                "model": SHAPE,
                "batch": batch,
                "dtype": spec.compute.dtype,
                "optimizer": spec.optimizer.kind,
                "setup_seconds": found.setup_seconds,
                "parameters": found.parameters,
                "device": name,
                "torch": torch.__version__,
            }
            what = f"training on {name}, {'compiled' if compiled else 'eager'}, batch {batch}"
            keep(f"{what}: speed", rate, "tokens/s", **details)
            if peak:
                keep(
                    f"{what}: MFU",
                    utilisation(rate, spec.model, peak),
                    "share of the bfloat16 peak",
                    peak=peak,
                    **details,
                )
