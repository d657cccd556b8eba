"""The contents of a study's report. Any list or mapping may be empty; what was not measured is None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ablations.claims.verdicts import Verdict
from ablations.core.results.readings import Better
from ablations.report.costs import Cost
from ablations.statistics.instrument import ControlOutcome
from ablations.statistics.measures import Measure
from ablations.statistics.onset import Onset
from ablations.statistics.onset_prediction import OnsetPrediction
from curation.dashboard.contents import CurationRun

FORMAT = 4


@dataclass(frozen=True)
class Heading:
    """The first lines of the page.

    `answer`: what the registered claims say to the question. `diverged`: the cells that enter no mean, each with its reason.
    `one_rate`: of which verdicts nobody knows whether they hold at other learning rates. `stands_at`: where every arm was run at
    several values of a nuisance, at which of them it stands.
    """

    name: str
    question: str
    fingerprint: str
    code: str
    created: str
    seeds: int | None
    budget_note: str
    answer: str = ""
    diverged: tuple[str, ...] = ()
    one_rate: str = ""
    stands_at: tuple[str, ...] = ()


@dataclass(frozen=True)
class Instrument:
    """Whether the controls came out as they had to; None when there were none to show it."""

    works: bool | None
    sentence: str
    controls: tuple[ControlOutcome, ...]


@dataclass(frozen=True)
class SplitTokens:
    documents: int | None
    tokens: int | None
    utf8_bytes: int | None


@dataclass(frozen=True)
class Tokens:
    """Source -> split (train, heldout) -> documents and tokens."""

    tokenizer: str
    kind: str
    vocab_size: int | None
    sources: Mapping[str, Mapping[str, SplitTokens]]


@dataclass(frozen=True)
class ModelSize:
    layers: int | None
    width: int | None
    context: int | None
    parameters: int | None


@dataclass(frozen=True)
class ArmSource:
    """An arm's share of a source: `repetitions` of its tokens, and the tokens that packing lost."""

    tokens: int | None
    repetitions: float | None
    documents: int | None
    tokens_lost: int | None


@dataclass(frozen=True)
class TrainedArm:
    arm: str
    control: bool
    mixture: Mapping[str, float | None]
    fraction: float | None
    model: ModelSize
    tokens: int | None
    sources: Mapping[str, ArmSource]


@dataclass(frozen=True)
class CurvePoint:
    tokens: int
    train_loss: float | None
    measures: Mapping[str, float | None]


@dataclass(frozen=True)
class Curve:
    """One cell while it trained."""

    arm: str
    seed: int
    control: bool
    points: tuple[CurvePoint, ...]
    onsets: Mapping[str, Onset]


@dataclass(frozen=True)
class ShotPoint:
    """`condition`: gold, permuted or another way to label the demos. `nll`: of the gold answer, in nats.

    `blind`: what the strongest blind guess gets at this k, by reading (accuracy, char_f1, ...). `scores`: further readings.
    `asked`: items times draws; `n` is less where prompts did not fit into the context.
    """

    k: int
    condition: str
    nll: float | None
    accuracy: float | None
    blind: Mapping[str, float | None]
    scores: Mapping[str, float | None]
    n: int | None
    asked: int | None

    def value(self, reading: str) -> float | None:
        """Of a reading by its name, `nll` and `accuracy` too."""
        return {"nll": self.nll, "accuracy": self.accuracy, **self.scores}.get(reading)


@dataclass(frozen=True)
class ShotReading:
    """What a reading of a task is called, whatever its k and condition, and what it is in."""

    words: str
    unit: str
    better: Better


@dataclass(frozen=True)
class Shots:
    """`readings`: every reading in `points`, `nll` and `accuracy` too, in the order of the task."""

    arm: str
    seed: int
    task: str
    readings: Mapping[str, ShotReading]
    points: tuple[ShotPoint, ...]


@dataclass(frozen=True)
class PositionLoss:
    """Mean loss by place in a document, one cell on one source: `loss[i]`, in nats, at token `tokens[i]`."""

    arm: str
    seed: int
    source: str
    tokens: tuple[float, ...]
    loss: tuple[float | None, ...]


@dataclass(frozen=True)
class HeadScores:
    """Of one head: `scores` by name, such as prefix_matching; from 0 to 1."""

    layer: int
    head: int
    scores: Mapping[str, float | None]


@dataclass(frozen=True)
class CellHeads:
    """All attention heads of one cell."""

    arm: str
    seed: int
    heads: tuple[HeadScores, ...]


@dataclass(frozen=True)
class Change:
    """What one step of a transform did to one statistic; `source` was made of `of`."""

    source: str
    of: str
    step: str
    statistic: str
    before: float | None
    after: float | None


@dataclass(frozen=True, kw_only=True)
class Report(CurationRun):
    """Everything a study report shows."""

    format: int
    study: Heading
    instrument: Instrument
    verdicts: tuple[Verdict, ...]
    tokens: tuple[Tokens, ...]
    arms: tuple[TrainedArm, ...]
    measures: tuple[Measure, ...]
    curves: tuple[Curve, ...]
    shots: tuple[Shots, ...]
    positions: tuple[PositionLoss, ...]
    heads: tuple[CellHeads, ...]
    onset_predictions: tuple[OnsetPrediction, ...]
    transforms: tuple[Change, ...]
    cost: Cost
