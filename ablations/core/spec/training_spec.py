"""What a training is: the typed values that its weights depend on. All of them, defaults included, are its identity."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Literal

from ablations.core.spec.model_spec import ModelSpec
from ablations.core.spec.strict import Problem, not_positive

Packing = Literal["by_source", "random", "related"]


@dataclass(frozen=True)
class SeedSpec:
    """Separate seeds for separate things, so that cells can share one and differ in another."""

    init: int
    order: int
    subset: int

    def problems(self) -> list[Problem]:
        pairs = dataclasses.asdict(self).items()
        return [(k, f"{v} is no 63-bit number", "Give 0 to 2^63 - 1") for k, v in pairs if not 0 <= v < 2**63]


@dataclass(frozen=True)
class OptimizerSpec:
    """`muon` steps the hidden matrices with torch.optim.Muon at `learning_rate`, the rest with AdamW at
    `adam_learning_rate`; `muon_float32` is the same without its rounding, and faster on a CPU; `adamw` steps everything."""

    kind: Literal["muon", "muon_float32", "adamw"] = "muon"
    learning_rate: float = 0.01
    adam_learning_rate: float = 0.01
    weight_decay: float = 0.0
    momentum: float = 0.95
    beta1: float = 0.9
    beta2: float = 0.95

    def problems(self) -> list[Problem]:
        rates = ("momentum", "beta1", "beta2")
        bad = [(k, f"{getattr(self, k)}", "Give 0 to below 1") for k in rates if not 0 <= getattr(self, k) < 1]
        if self.weight_decay < 0:
            bad.append(("weight_decay", f"{self.weight_decay} is negative", "Give 0 or more"))
        return bad + not_positive(self, "learning_rate", "adam_learning_rate")


@dataclass(frozen=True)
class ScheduleSpec:
    """Length and learning-rate curve. `wsd` stays and then falls linearly to zero over the last `cooldown`."""

    tokens: int
    batch: int
    warmup_steps: int = 20
    kind: Literal["constant", "wsd"] = "constant"
    cooldown: float = 0.0

    def problems(self) -> list[Problem]:
        found: list[Problem] = []
        if self.batch < 1:
            found.append(("batch", f"{self.batch} sequences", "Give at least 1"))
        if self.warmup_steps < 0:
            found.append(("warmup_steps", f"{self.warmup_steps} is negative", "Give 0 or more"))
        if not 0 <= self.cooldown <= 1:
            found.append(("cooldown", f"{self.cooldown} is no share of the steps", "Give 0 to 1"))
        if (self.kind == "wsd") != (self.cooldown > 0):
            found.append(
                ("cooldown", f"{self.cooldown} with kind {self.kind!r}", "wsd needs a cooldown, constant has none")
            )
        return found


@dataclass(frozen=True)
class TrainSource:
    """One part of the mixture. `tokens` is a path stem; kept are the documents whose hash, a number from 0 to 1, lies from
    `offset` to below `offset` + `fraction`: those of 0.5 are among those of 1.0, and two halves share none."""

    source: str
    tokens: str
    weight: float = 1.0
    fraction: float = 1.0
    offset: float = 0.0

    def problems(self) -> list[Problem]:
        found = not_positive(self, "weight")
        if not 0 < self.fraction <= 1:
            found.append(("fraction", f"{self.fraction} is no share of the documents", "Give above 0 and at most 1"))
        elif not 0 <= self.offset <= 1 - self.fraction:
            found.append(
                ("offset", f"{self.offset} leaves no {self.fraction} of the documents", "Give 0 to 1 - fraction")
            )
        return found


@dataclass(frozen=True)
class ComputeSpec:
    """Where and how. Threads, compilation and dtype change the last bits, so they belong to a cell's identity."""

    device: str = "cpu"
    threads: int = 1
    compile: bool = False
    dtype: Literal["float32", "bfloat16"] = "float32"

    def problems(self) -> list[Problem]:
        return not_positive(self, "threads")


@dataclass(frozen=True)
class TrainingSpec:
    """One small language model and how it is trained. Paths are relative to the cell's folder.

    `evaluations`: how many times along the way the weights are kept, beside those of the start and the end.
    """

    seeds: SeedSpec
    model: ModelSpec
    schedule: ScheduleSpec
    train: tuple[TrainSource, ...]
    bos: int = 0
    optimizer: OptimizerSpec = OptimizerSpec()
    packing: Packing = "by_source"
    evaluations: int = 12
    compute: ComputeSpec = ComputeSpec()

    @property
    def steps(self) -> int:
        return self.schedule.tokens // self.tokens_a_step

    @property
    def tokens_a_step(self) -> int:
        return self.schedule.batch * self.model.context

    def evaluation_steps(self) -> list[int]:
        """Step 0, `evaluations` evenly spaced steps, and the last."""
        between = (round(i * self.steps / (self.evaluations + 1)) for i in range(1, self.evaluations + 1))
        return sorted({0, self.steps, *between})

    def digest(self) -> str:
        """Of everything in the spec; weights and checkpoints belong to one of these."""
        return hashlib.sha256(json.dumps(dataclasses.asdict(self), sort_keys=True).encode()).hexdigest()

    def problems(self) -> list[Problem]:
        found: list[Problem] = []
        if self.evaluations < 0:
            found.append(("evaluations", f"{self.evaluations} is negative", "Give 0 or more"))
        if not self.train:
            found.append(("train", "no source", "Name at least one"))
        names = [part.source for part in self.train]
        if len(set(names)) < len(names):
            found.append(("train", f"two of the sources {', '.join(names)} have one name", "Unite them"))
        if self.steps < 1:
            short = f"{self.schedule.tokens} tokens are less than one step of {self.tokens_a_step}"
            found.append(("schedule", short, "Give more tokens"))
        if not 0 <= self.bos < self.model.vocab_size:
            found.append(("bos", f"token {self.bos} is outside the vocabulary", "Give an id below vocab_size"))
        return found
