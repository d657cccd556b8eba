"""Recognising a known task and learning a new one, told apart by what labels do to the answer, one row an arm."""

from __future__ import annotations

from dataclasses import dataclass

from ablations.report.values import Values
from ablations.statistics.recognition import Recognition, recognition, said
from curation.dashboard.numbers import mean
from curation.sources.control_texts import VALUES

KNOWN, FRESH = "known_map", "control_map"
CONDITIONS = ("gold", "permuted", "flipped", "nonce")


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
    k = int(gaps[KNOWN].rsplit(".k", 1)[1].split(".")[0])
    arms = [arm for arm in [*values.controls, *values.real] if values.of(gaps[KNOWN], arm)]
    return [_row(values, arm, k, gaps.get(FRESH, "")) for arm in arms]


def _row(values: Values, arm: str, k: int, fresh: str) -> Recognised:
    start = f"few_shot.{KNOWN}.k"
    names = [name for name in values.names() if name.startswith(start)]
    by_seed: dict[str, dict[str, float]] = {}
    for name in names:
        for seed, value in values.of(name, arm).items():
            by_seed.setdefault(seed, {})[name] = value
    found = [one for of_seed in by_seed.values() if (one := recognition(of_seed, len(VALUES), k))]
    return Recognised(
        arm,
        k,
        values.mean(f"{start}0.gold.nll", arm),
        {condition: values.mean(f"{start}{k}.{condition}.nll", arm) for condition in CONDITIONS},
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
