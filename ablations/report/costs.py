"""What a study was expected to cost and what it cost, as its report holds it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PredictedPart:
    """One line of an estimate; `seconds` of wall time."""

    what: str
    seconds: float


@dataclass(frozen=True)
class PredictedCost:
    seconds: float
    memory_bytes: float
    disk_bytes: float
    weights_bytes: float
    workers: int
    parts: tuple[PredictedPart, ...]


@dataclass(frozen=True)
class ActualCost:
    """Of the run that did the work; `fingerprint`: of all its cells together."""

    seconds: float
    peak_memory_bytes: int
    disk_bytes: int
    fingerprint: str


@dataclass(frozen=True)
class StageTime:
    """`wall_seconds`: by the clock; `work_seconds`: of all its jobs together; `reused`: taken from an earlier run."""

    stage: str
    wall_seconds: float | None
    work_seconds: float | None
    finished_at: float | None
    reused: bool | None


@dataclass(frozen=True)
class CellTime:
    cell: str
    seconds: float | None
    tokens_per_second: float | None


@dataclass(frozen=True)
class Cost:
    predicted: PredictedCost | None
    actual: ActualCost | None
    stages: tuple[StageTime, ...]
    cells: tuple[CellTime, ...]
