"""What a study report is made of: plain JSON from manifests. Any list may be empty; what was not measured is null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NotRequired, TypedDict

from ablations.core.results.readings import Better
from ablations.report.contents.mechanisms import Change, Heads, OnsetPrediction, PositionLoss
from curation.dashboard.contract import CurationRun

FORMAT = 3


class Study(TypedDict):
    name: str
    question: str
    fingerprint: str
    code: str
    created: str
    seeds: int | None
    budget_note: str


class Control(TypedDict):
    """A corpus whose outcome is known by construction: every seed's value must lie in [low, high]; null is no limit."""

    arm: str
    expectation: str
    low: float | None
    high: float | None
    unit: str
    seeds: Mapping[str, float | None]
    passed: bool


class Instrument(TypedDict):
    """Whether the controls came out as they had to; null when there were none to show it."""

    works: bool | None
    sentence: str
    controls: list[Control]


class Verdict(TypedDict):
    """One claim. `seeds`: arms where `counts_over` is arm. `evidence`: names of cells.

    `smallest_effect`: the smallest that this design could have seen. `measures`: what the claim is about, by full name.
    `p_adjusted`: by Holm over the registered claims, by Benjamini and Hochberg over what is exploratory.
    """

    claim: str
    sentence: str
    outcome: Literal["supported", "contradicted", "undecided"]
    registered: bool
    effect: float | None
    unit: str
    interval: list[float] | None
    level: float | None
    seeds: int | None
    p: float | None
    p_adjusted: float | None
    smallest_effect: float | None
    why: str
    evidence: list[str]
    draws: NotRequired[int | None]
    items: NotRequired[int | None]
    permutation_p: NotRequired[float | None]
    measures: NotRequired[list[str]]
    counts_over: Literal["seed", "arm"]
    relation: bool
    short: str


class SplitTokens(TypedDict):
    documents: int | None
    tokens: int | None
    utf8_bytes: int | None


class Tokens(TypedDict):
    """Source -> split (train, heldout) -> what the tokenizer made of it."""

    tokenizer: str
    kind: str
    vocab_size: int | None
    sources: Mapping[str, Mapping[str, SplitTokens]]


class Model(TypedDict):
    layers: int | None
    width: int | None
    context: int | None
    parameters: int | None


class ArmSource(TypedDict):
    """What an arm took of a source: `repetitions` of its tokens, and the tokens that packing lost."""

    tokens: int | None
    repetitions: float | None
    documents: int | None
    tokens_lost: int | None


class Arm(TypedDict):
    arm: str
    control: bool
    mixture: Mapping[str, float | None]
    fraction: float | None
    model: Model
    tokens: int | None
    sources: Mapping[str, ArmSource]


class Measure(TypedDict):
    """A reading without its value, as `ablations.core.results.readings.Reading` says, and its values: arm -> seed -> value.

    An arm without this measure is left out. `measure`: its full name. `n`: how many of what stand behind one value, where it is
    the same in all cells.
    """

    measure: str
    metric: str
    reading: str
    source: str
    task: str
    k: int | None
    condition: str
    of: str
    unit: str
    better: Better
    words: str
    short: str
    n: Mapping[str, int | None]
    arms: Mapping[str, Mapping[str, float | None]]


class Point(TypedDict):
    tokens: int
    train_loss: float | None
    measures: Mapping[str, float | None]


class OnsetInterval(TypedDict):
    """The onset lies after `after_tokens` and not later than `by_tokens`; null: not within the run (censored)."""

    threshold: float | None
    after_tokens: float | None
    by_tokens: float | None
    at_tokens: NotRequired[float | None]


class Curve(TypedDict):
    """One cell while it trained."""

    arm: str
    seed: int
    control: bool
    points: list[Point]
    onsets: Mapping[str, OnsetInterval]


class ShotPoint(TypedDict):
    """`condition`: gold, permuted or another way to label the demos. `nll`: of the gold answer, in nats.

    `blind`: what the strongest blind guess gets at this k, by reading (accuracy, char_f1, ...). `scores`: further readings.
    `asked`: items times draws; `n` is less where prompts did not fit into the context.
    """

    k: int
    condition: str
    nll: float | None
    accuracy: float | None
    n: int | None
    asked: NotRequired[int | None]
    blind: NotRequired[Mapping[str, float | None]]
    scores: NotRequired[Mapping[str, float | None]]


class ShotReading(TypedDict):
    """What a reading of a task is called, whatever its k and condition, and what it is in."""

    words: str
    unit: str
    better: Better


class Shots(TypedDict):
    """`readings`: everything that stands in `points`, `nll` and `accuracy` too, in the order of the task."""

    arm: str
    seed: int
    task: str
    readings: Mapping[str, ShotReading]
    points: list[ShotPoint]


class Predicted(TypedDict):
    seconds: float | None
    memory_bytes: float | None
    disk_bytes: float | None


class Actual(TypedDict):
    seconds: float | None
    peak_memory_bytes: float | None
    disk_bytes: float | None


class StageTime(TypedDict):
    """`wall_seconds`: by the clock; `work_seconds`: of all its jobs together; `reused`: taken from an earlier run."""

    stage: str
    wall_seconds: float | None
    work_seconds: float | None
    reused: bool | None


class CellTime(TypedDict):
    cell: str
    seconds: float | None
    tokens_per_second: float | None


class Cost(TypedDict):
    predicted: Predicted | None
    actual: Actual | None
    stages: list[StageTime]
    cells: list[CellTime]


class Report(CurationRun):
    """Everything a study report shows."""

    format: int
    study: Study
    instrument: Instrument
    verdicts: list[Verdict]
    tokens: list[Tokens]
    arms: list[Arm]
    measures: list[Measure]
    curves: list[Curve]
    shots: list[Shots]
    positions: list[PositionLoss]
    heads: list[Heads]
    onset_predictions: list[OnsetPrediction]
    transforms: list[Change]
    cost: Cost
