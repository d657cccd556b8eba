"""The onset that repetition in the training mixture predicts, beside the one that was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ablations.report.contents.mechanisms import OnsetPrediction
from ablations.report.views.curves import words as interval_words
from curation.dashboard.numbers import amount, listed, mean


@dataclass(frozen=True)
class OnsetRow:
    """One arm and measure. `seen`: its seeds in words."""

    arm: str
    measure: str
    frequency: float | None
    reliability: float | None
    by_size: str
    predicted: str
    seen: list[str]


def onset_rows(predictions: Sequence[OnsetPrediction], title: Callable[[str], str]) -> list[OnsetRow]:
    """Seeds of an arm together; `title` gives the words of a measure."""
    groups: dict[tuple[str, str], list[OnsetPrediction]] = {}
    for row in predictions:
        groups.setdefault((row["arm"], row["measure"]), []).append(row)
    return [
        OnsetRow(
            arm,
            title(measure),
            mean(row["frequency"] for row in rows),
            mean(row["reliability"] for row in rows),
            _spread(row["predicted_by_size"] for row in rows),
            _spread(row["predicted"] for row in rows),
            _seen(rows),
        )
        for (arm, measure), rows in groups.items()
    ]


def _spread(values: Iterable[float | None]) -> str:
    """'16M', or '16M to 18M' where seeds differ."""
    known = sorted(value for value in values if value is not None)
    return " to ".join(dict.fromkeys(amount(value) for value in (known[0], known[-1]))) if known else "none"


def _seen(rows: Sequence[OnsetPrediction]) -> list[str]:
    """Seeds with the same onset share a sentence."""
    seeds: dict[str, list[str]] = {}
    for row in rows:
        said = interval_words(
            {"threshold": None, "after_tokens": row["observed_after"], "by_tokens": row["observed_by"]}
        )
        seeds.setdefault(said, []).append(str(row["seed"]))
    return [f"{'seed' if len(own) == 1 else 'seeds'} {listed(own)}: {said}" for said, own in seeds.items()]
