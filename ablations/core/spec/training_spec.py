"""What a training is: the typed values that its weights depend on. All of them, defaults included, are its identity."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from typing import Literal

from ablations.core.spec.member_spec import MemberSpec
from ablations.core.spec.model_spec import ModelSpec
from ablations.core.spec.strict import Problem, as_json, not_positive

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


@dataclass(frozen=True, kw_only=True)
class OptimizerSpec(MemberSpec):
    """One of `ablations/core/training/optimizers`."""

    kind: str = "muon"


@dataclass(frozen=True, kw_only=True)
class ScheduleSpec(MemberSpec):
    """Length of a training, and its curve of learning rates: one of `ablations/core/training/schedules`."""

    tokens: int
    batch: int
    kind: str = "constant"

    def problems(self) -> list[Problem]:
        return [("batch", f"{self.batch} sequences", "Give at least 1")] if self.batch < 1 else []


@dataclass(frozen=True)
class TrainSource:
    """One part of the mixture. `tokens` is a path stem; kept are the documents that hold the tokens from `offset` to `offset` +
    `fraction`, as shares of all tokens in a hashed order: those of 0.5 are among those of 1.0, and two halves share none."""

    source: str
    tokens: str
    weight: float = 1.0
    fraction: float = 1.0
    offset: float = 0.0

    def problems(self) -> list[Problem]:
        problems = not_positive(self, "weight")
        if not 0 < self.fraction <= 1:
            problems.append(("fraction", f"{self.fraction} is no share of the tokens", "Give above 0 and at most 1"))
        elif not 0 <= self.offset <= 1 - self.fraction:
            problems.append(
                ("offset", f"{self.offset} leaves no {self.fraction} of the tokens", "Give 0 to 1 - fraction")
            )
        return problems


@dataclass(frozen=True)
class SpikeSpec:
    """What counts as a spike of the training loss, and what is done about it; see `ablations/core/training/spikes.py`.

    Attributes:
        action: `count` alone; `skip` the step, so that its batch changes no weight; or `rewind` to weights of before, and go on
            behind the batch. Skipped and rewound batches are not learned from, which is unfair to a source whose text is uneven.
        deviations: above the mean of the `window` losses before, in their standard deviations.
        back: weights are kept every so many steps, and a spike goes back by one to two times as many.
        window: 2 or more; the first `window` losses are only looked at for whether they are numbers. One that is not is a spike.
        most: rewinds of a run, or steps in a row that are skipped since their loss is not a number. Further spikes are counted
            alone, and a further loss that is not a number ends the run.
    """

    action: Literal["count", "skip", "rewind"] = "count"
    deviations: float = 6.0
    window: int = 128
    back: int = 50
    most: int = 10

    def problems(self) -> list[Problem]:
        problems = not_positive(self, "deviations", "window", "back", "most")
        if self.window == 1:
            problems.append(("window", "1 loss has no standard deviation", "Give 2 or more"))
        return problems


@dataclass(frozen=True)
class ComputeSpec:
    """Where and how. Threads, compilation and dtype change the last bits, so they belong to a cell's identity.

    `micro_batch`: windows that go through the model at once; a step adds up the gradients of its batch. 0 for the
    whole batch.
    """

    device: str = "cpu"
    threads: int = 1
    compile: bool = False
    dtype: Literal["float32", "bfloat16"] = "float32"
    micro_batch: int = 0

    def problems(self) -> list[Problem]:
        problems = not_positive(self, "threads")
        if self.micro_batch < 0:
            problems.append(("micro_batch", f"{self.micro_batch} windows", "Give 1 or more, or 0 for the whole batch"))
        return problems


@dataclass(frozen=True)
class TrainingSpec:
    """One small language model and how it is trained. Paths are relative to the cell's folder.

    Attributes:
        gradient_clip: a longer gradient of all weights together is cut to this length; 0 leaves it.
        document_mask: whether a token sees no other document of its window.
        evaluations: how many times along the way the weights are kept, besides those of the start and the end.
        plugins: SHA-256 of the files that optimizer, schedule and parts of the model come from, of none where all are ours.
    """

    seeds: SeedSpec
    model: ModelSpec
    schedule: ScheduleSpec
    train: tuple[TrainSource, ...]
    bos: int = 0
    optimizer: OptimizerSpec = OptimizerSpec()
    packing: Packing = "by_source"
    document_mask: bool = False
    gradient_clip: float = 1.0
    spikes: SpikeSpec = SpikeSpec()
    evaluations: int = 12
    compute: ComputeSpec = ComputeSpec()
    plugins: tuple[str, ...] = ()

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
        return hashlib.sha256(json.dumps(as_json(self), sort_keys=True).encode()).hexdigest()

    def problems(self) -> list[Problem]:
        problems: list[Problem] = []
        if self.evaluations < 0:
            problems.append(("evaluations", f"{self.evaluations} is negative", "Give 0 or more"))
        if not self.train:
            problems.append(("train", "no source", "Name at least one"))
        names = [part.source for part in self.train]
        if len(set(names)) < len(names):
            problems.append(("train", f"two of the sources {', '.join(names)} have one name", "Unite them"))
        if self.steps < 1:
            short = f"{self.schedule.tokens} tokens are less than one step of {self.tokens_a_step}"
            problems.append(("schedule", short, "Give more tokens"))
        if not 0 <= self.gradient_clip < math.inf:
            problems.append(("gradient_clip", f"{self.gradient_clip} is no length", "Give one above 0, or 0 for none"))
        micro = self.compute.micro_batch
        if micro > 0 and self.schedule.batch % micro:
            found = f"{micro} windows do not divide a batch of {self.schedule.batch}"
            problems.append(("compute.micro_batch", found, "Give a divisor"))
        if not 0 <= self.bos < self.model.vocab_size:
            problems.append(("bos", f"token {self.bos} is outside the vocabulary", "Give an id below vocab_size"))
        return problems
