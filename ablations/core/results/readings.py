"""One measured number with its meaning: defined once, where it is computed, and carried to every table and sentence."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Better = Literal["lower", "higher"] | None  # None: neither side is better, as of a bias or a count
_EMPTY: tuple[Any, ...] = ("", None, {})


@dataclass(frozen=True)
class Reading:
    """A number with its meaning.

    Attributes:
        metric: that measured it.
        value: None where nothing could be measured; then every count of `n` is 0.
        unit: of the value.
        better: which side of it is better.
        words: what it is, for sentences and axes.
        reading: which of the metric's numbers, such as `nll` or `prefix_matching.max`.
        source: of the text: a source's name, or `pooled` or `common`.
        task, k, condition: of few-shot answers.
        of: full name of another reading that this one is about.
        position: where in the text, in words.
        n: how many of what the value is based on.
        moves: `smoothly` where every run is near the mean of runs; empty for what may switch in some runs and not in others, as
            in-context learning does: then even many equal runs do not rule out a large effect in the next one.
        short: `words` without task, k and condition, for tables and axes that show those themselves; empty where it is the same.
    """

    metric: str
    value: float | None
    unit: str
    better: Better
    words: str
    reading: str = ""
    source: str = ""
    task: str = ""
    k: int | None = None
    condition: str = ""
    of: str = ""
    position: str = ""
    n: Mapping[str, int] = field(default_factory=dict)
    short: str = ""
    moves: Literal["", "smoothly"] = ""

    @property
    def name(self) -> str:
        """The full name in files, tables and claims: the one place where names are written; `Name.parse` reads them."""
        return Name(self.metric, self.reading, self.source, self.task, self.k, self.condition, self.of).text

    def to_json(self) -> dict[str, Any]:
        """Without what is empty."""
        kept = {
            "metric": self.metric,
            "value": self.value,
            "unit": self.unit,
            "better": self.better,
            "words": self.words,
        }
        rest = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return {**kept, **{name: value for name, value in rest.items() if name not in kept and value not in _EMPTY}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Reading:
        return cls(**value)


@dataclass(frozen=True)
class Name:
    """The parts of a reading's name: `few_shot.<task>.k<k>.<condition>.<reading>`, or `<metric>.<source or of>.<reading>`."""

    metric: str
    reading: str = ""
    source: str = ""
    task: str = ""
    k: int | None = None
    condition: str = ""
    of: str = ""

    @property
    def text(self) -> str:
        shots = f"k{self.k}" if self.k is not None else ""
        parts = (self.metric, self.of, self.task, shots, self.condition, self.source, self.reading)
        return ".".join(part for part in parts if part)

    @classmethod
    def parse(cls, text: str) -> Name:
        """The parts of a name that a user wrote. Of a metric without tasks the rest is the reading, for only what was measured
        distinguishes a source from a reading."""
        metric, _, rest = text.partition(".")
        found = re.fullmatch(r"(?P<task>[^.]+)\.k(?P<k>\d+)\.(?P<rest>.+)", rest) if metric == FEW_SHOT else None
        if found is None:
            return cls(metric, rest)
        condition, _, reading = found["rest"].partition(".")
        if condition not in CONDITIONS:
            condition, reading = "", found["rest"]
        return cls(metric, reading, task=found["task"], k=int(found["k"]), condition=condition)


FEW_SHOT = "few_shot"
CONDITIONS = ("gold", "permuted", "flipped", "nonce")
STANDARD_ERROR = "standard_error"


def gain_name(task: str, k: int) -> str:
    """Of what permuted labels cost: the primary measure of in-context learning of a task."""
    return Name(FEW_SHOT, GAIN, task=task, k=k).text


AT_LIMIT = "at_limit"
IN_TEXT = "in_text"
GAIN, GAIN_WORDS = "permuted_minus_gold", "what permuted labels cost"


def shots_words(task: str, k: int, condition: str) -> str:
    """Where a few-shot number is from: 'in nsmc, k = 4, gold demos'."""
    demos = f", {condition} demos" if condition else ""
    return f"in {task}, " + ("zero-shot" if k == 0 and condition == "gold" else f"k = {k}{demos}")


SILENCED = {"top": "the top induction heads", "random": "as many other heads"}


def cost_words(of: str, done: str) -> str:
    """The cost of silencing heads in a measure, in words."""
    return f"what is lost without {SILENCED[done]} of {of}"
