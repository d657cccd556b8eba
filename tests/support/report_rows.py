"""Rows of measures as a report keeps them, made of readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ablations.core.results.readings import FEW_SHOT, GAIN, GAIN_WORDS, Better, Reading, shots_words
from ablations.statistics.measures import Measure


def a_row(reading: Reading, arms: Mapping[str, Sequence[float]], n: Mapping[str, int] | None = None) -> Any:
    """`arms`: arm -> values of its seeds, in order."""
    return Measure.about(reading, n or {}, {arm: dict(enumerate(seeds)) for arm, seeds in arms.items()})


def shots(
    task: str,
    k: int,
    reading: str,
    condition: str = "",
    unit: str = "nats",
    better: Better = "lower",
    short: str = "",
    value: float | None = None,
    n: int = 0,
) -> Reading:
    """A few-shot reading with the words that it has in a study."""
    short = short or reading.replace("_", " ")
    words = f"{short} {shots_words(task, k, condition)}"
    return Reading(
        FEW_SHOT,
        value,
        unit,
        better,
        words,
        reading,
        task=task,
        k=k,
        condition=condition,
        n={"answers": n},
        short=short,
    )


def gain(task: str = "nsmc", k: int = 4, value: float | None = None, n: int = 0, better: Better = "higher") -> Reading:
    return shots(task, k, GAIN, better=better, short=GAIN_WORDS, value=value, n=n)


def bits(source: str, value: float | None = None) -> Reading:
    words = f"bits per byte, {source}"
    return Reading("bits_per_byte", value, "bits per UTF-8 byte", "lower", words, source=source)
