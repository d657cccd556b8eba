"""Recognising a known task and learning a new one, told apart by what labels do to the answer, one row an arm."""

from __future__ import annotations

from dataclasses import dataclass

from ablations.core.results.readings import CONDITIONS, FEW_SHOT
from ablations.report.contents.values import Values
from ablations.statistics.recognition import Recognition, recognition, said
from curation.dashboard.numbers import mean
from curation.sources.control_texts import VALUES

KNOWN, FRESH = "known_map", "control_map"


@dataclass(frozen=True)
class Recognised:
    """One arm at the largest k of the known map.

    Attributes:
        zero: NLL without demos, of a question about the known map.
        nll: condition -> NLL of the gold answer, means over seeds.
        fresh: what permuted labels cost on maps that no text held.
        seeds: recognised and learnt nats of every seed, in their order.
    """

    arm: str
    k: int
    zero: float | None
    nll: dict[str, float | None]
    fresh: float | None
    seeds: list[Recognition]
    said: str


def recognising(values: Values) -> list[Recognised]:
    """Empty unless some arm was asked about the known map: without it nothing can be told apart."""
    gaps = values.gaps()
    if KNOWN not in gaps:
        return []
    known, fresh = gaps[KNOWN], gaps[FRESH]["measure"] if FRESH in gaps else ""
    arms = [arm for arm in [*values.controls, *values.real] if values.of(known["measure"], arm)]
    return [_row(values, arm, known["k"] or 0, fresh) for arm in arms]


def _row(values: Values, arm: str, k: int, fresh: str) -> Recognised:
    names = [row["measure"] for row in values.rows() if row["metric"] == FEW_SHOT and row["task"] == KNOWN]
    by_seed: dict[str, dict[str, float]] = {}
    for name in names:
        for seed, value in values.of(name, arm).items():
            by_seed.setdefault(seed, {})[name] = value
    found = [one for of_seed in by_seed.values() if (one := recognition(of_seed, len(VALUES), k))]
    return Recognised(
        arm,
        k,
        values.mean(values.shots(KNOWN, 0, "gold", "nll"), arm),
        {condition: values.mean(values.shots(KNOWN, k, condition, "nll"), arm) for condition in CONDITIONS},
        values.mean(fresh, arm),
        found,
        said(_mean(found)) if found else "not asked under every condition that tells",
    )


def _mean(found: list[Recognition]) -> Recognition:
    """Of all seeds; the sentence is about this, the numbers of every seed stand beside it."""
    each = (
        mean(one.recognised for one in found),
        mean(one.learnt for one in found),
        mean(one.nonce_accuracy for one in found),
    )
    return Recognition(*(value or 0.0 for value in each))
