"""The cell whose training steps are measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ablations.core.spec.strict import build
from ablations.core.spec.training_spec import TrainingSpec


def bench_spec(model: Mapping[str, Any], batch: int, kind: str = "muon", **compute: Any) -> TrainingSpec:
    """A training of this shape and optimizer; its tokens do not matter."""
    value = {
        "seeds": {"init": 1, "order": 1, "subset": 1},
        "train": [{"source": "random", "tokens": "none"}],
        "model": dict(model),
        "optimizer": {"kind": kind},
        "schedule": {"tokens": 10**8, "batch": batch},
        "compute": compute,
    }
    return build(TrainingSpec, value, "bench")
