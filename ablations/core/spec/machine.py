"""What the bits of a cell depend on besides its spec: the kind of machine and the version of torch."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from curation.runtime.errors import ConfigError


@cache
def machine_class(device: str = "cpu") -> dict[str, str]:
    """The class of this machine for cells whose `compute.device` is `device`.

    Returns:
        `cpu`, the model of the processor, or of a GPU `device`, its name; and `torch`, the version of the distribution.

    Raises:
        ConfigError: torch sees no GPU here.
    """
    version = importlib.metadata.version("torch")
    if is_gpu(device):
        return {"device": _gpu_name(device), "torch": version}
    return {"cpu": cpu_model(), "torch": version}


def is_gpu(device: str) -> bool:
    """Whether a cell with this `compute.device` runs on a GPU."""
    return device.split(":")[0] == "cuda"


def as_settings(machine: Mapping[str, str]) -> str:
    """A machine as a study writes it."""
    parts = ", ".join(f'{key}: "{value}"' for key, value in machine.items())
    return f"machine: {{{parts}}}"


def cpu_model() -> str:
    """Model of the processor, as Linux names it; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _gpu_name(device: str) -> str:
    import torch

    if not torch.cuda.is_available():
        raise ConfigError(
            "compute.device is cuda, and torch sees no GPU here. Run the cell where it does; a study names that machine with "
            'machine: {device: "NVIDIA H200", torch: "2.11.0"}, and `loam ablate pack` takes its cells there.'
        )
    return str(torch.cuda.get_device_name(torch.device(device)))
