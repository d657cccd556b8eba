"""Speed of a training step of a cell."""

from __future__ import annotations

import torch

from ablations.core.probe import probe
from ablations.core.spec import CellSpec
from ablations.core.strict import build
from benchmarks.record import keep

SHAPES = {
    "cpu": ({"layers": 2, "width": 64, "heads": 4, "context": 128, "mlp_ratio": 1, "vocab_size": 1024}, 16),
    "cuda": ({"layers": 4, "width": 512, "heads": 8, "context": 512, "mlp_ratio": 4, "vocab_size": 16384}, 128),
}


def training(device: str) -> None:
    """Tokens a second of the device's shape, eager and compiled."""
    model, batch = SHAPES[device]
    for compiled in (False, True):
        value = {
            "arm": "bench",
            "seed": 0,
            "seeds": {"init": 1, "order": 1, "subset": 1, "evaluation": 1},
            "train": [{"source": "random", "tokens": "none"}],
            "model": model,
            "optimiser": {"kind": "muon_float32" if device == "cpu" else "muon"},
            "schedule": {"tokens": 10**7, "batch": batch},
            "compute": {"device": device, "compile": compiled, "dtype": "float32" if device == "cpu" else "bfloat16"},
        }
        spec = build(CellSpec, value, "bench")
        found = probe(spec, 40)
        name = f"training on {device}, {'compiled' if compiled else 'eager'}"
        rate = spec.tokens_a_step / found.step_seconds
        keep(
            name, rate, "tokens/s", model=model, batch=batch, setup_seconds=found.setup_seconds, torch=torch.__version__
        )
