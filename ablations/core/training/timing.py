"""How long a cell took. None of it is part of the result."""

from __future__ import annotations

import platform
import resource
import sys
import time
from typing import Any

import torch

from ablations.core.spec.training_spec import TrainingSpec


class Stopwatch:
    """Seconds of a training. Those of earlier, killed runs of the cell are not known."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.begun = time.perf_counter()
        self.training_s = 0.0
        self.steps = self.first_step = 0

    def start_training(self, step: int) -> None:
        self.first_step = step
        self._training_begun = self._now()

    def stop_training(self, step: int) -> None:
        self.training_s = self._now() - self._training_begun
        self.steps = step - self.first_step

    def report(self, spec: TrainingSpec) -> dict[str, Any]:
        """Seconds, training tokens a second (compilation included), peak memory in bytes, and on what."""
        trained = self.steps * spec.tokens_a_step
        on_gpu = self.device.type == "cuda"
        unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
        return {
            "seconds": self._now() - self.begun,
            "training_seconds": self.training_s,
            "resumed_from_step": self.first_step,
            "tokens_per_second": trained / self.training_s if trained else None,
            "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
            "peak_gpu_memory_bytes": torch.cuda.max_memory_allocated(self.device) if on_gpu else None,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "threads": torch.get_num_threads(),
            "device": torch.cuda.get_device_name(self.device) if on_gpu else platform.processor() or platform.machine(),
        }

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()
