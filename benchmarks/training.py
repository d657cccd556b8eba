"""Speed of a training step of a cell."""

from __future__ import annotations

import torch

from ablations.core.probe import probe
from ablations.core.spec import CellSpec
from ablations.core.strict import build
from benchmarks.record import keep

SHAPE, BATCH = {"layers": 2, "width": 64, "heads": 4, "context": 128, "mlp_ratio": 1, "vocab_size": 1024}, 16


def training() -> None:
    """Tokens a second on a processor, eager and compiled; `utilisation.py` measures GPUs."""
    for compiled in (False, True):
        value = {
            "arm": "bench",
            "seed": 0,
            "seeds": {"init": 1, "order": 1, "subset": 1, "evaluation": 1},
            "train": [{"source": "random", "tokens": "none"}],
            "model": SHAPE,
            "optimiser": {"kind": "muon_float32"},
            "schedule": {"tokens": 10**7, "batch": BATCH},
            "compute": {"device": "cpu", "compile": compiled},
        }
        spec = build(CellSpec, value, "bench")
        found = probe(spec, 40)
        name = f"training on cpu, {'compiled' if compiled else 'eager'}"
        rate = spec.tokens_a_step / found.step_seconds
        keep(
            name, rate, "tokens/s", model=SHAPE, batch=BATCH, setup_seconds=found.setup_seconds, torch=torch.__version__
        )
