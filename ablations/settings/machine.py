"""The class of machine that a study's cells run on: the one its settings state, else this one."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from ablations.core.spec.machine import is_gpu, machine_class
from curation.runtime.config import Config


class MachineSettings(Config):
    """Where cells run when that is not this machine; these fields are part of their identity, word for word.

    Args:
        device: name of the GPU, as torch gives it, for cells whose `compute.device` is cuda.
        cpu: model of the processor, for the other cells; those are for this machine when it is left out.
        torch: version of torch there.
    """

    device: str | None = None
    cpu: str | None = None
    torch: str

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if not (self.device or self.cpu):
            raise ValueError('names no machine. Write device: "NVIDIA H200" for a GPU, or cpu: for a processor.')
        return self


def machine_of(stated: MachineSettings | None, device: str) -> dict[str, str]:
    """What the identity of a cell holds, given the `machine` of its study and its `compute.device`.

    Raises:
        ConfigError: the cell is for a GPU, none is stated, and this machine has none.
    """
    if stated and is_gpu(device) and stated.device:
        return {"device": stated.device, "torch": stated.torch}
    if stated and not is_gpu(device) and stated.cpu:
        return {"cpu": stated.cpu, "torch": stated.torch}
    return machine_class(device)


def is_stated(stated: MachineSettings | None, device: str) -> bool:
    """Whether the study states where such a cell runs."""
    return stated is not None and bool(stated.device if is_gpu(device) else stated.cpu)
