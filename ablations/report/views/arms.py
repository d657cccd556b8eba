"""What each arm was trained on: one row for each of its sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ablations.report.contents.contract import Arm, ArmSource, Model
from curation.dashboard.numbers import amount, count, ratio

_NOTHING: ArmSource = {"tokens": None, "repetitions": None, "documents": None, "tokens_lost": None}


@dataclass(frozen=True)
class ArmRow:
    """`first`: the arm's own columns are written in this row; `share`: of the source in the mixture."""

    arm: Arm
    first: bool
    model: str
    source: str
    share: float | None
    taken: ArmSource


def arm_rows(arms: Sequence[Arm]) -> list[ArmRow]:
    """Sources of the mixture first, then what was taken besides; an arm without any source still has a row."""
    return [row for arm in arms for row in _rows(arm)]


def _rows(arm: Arm) -> list[ArmRow]:
    sources = list(dict.fromkeys([*arm["mixture"], *arm["sources"]])) or ["no source"]
    model = _model(arm["model"])
    weights = sum(weight or 0 for weight in arm["mixture"].values())  # relative: 1 and 1 is half and half
    return [
        ArmRow(arm, i == 0, model, name, ratio(arm["mixture"].get(name), weights), arm["sources"].get(name, _NOTHING))
        for i, name in enumerate(sources)
    ]


def _model(model: Model) -> str:
    shape = f"{count(model['layers'])} layers, width {count(model['width'])}, context {count(model['context'])}"
    return f"{shape}; {amount(model['parameters'])} parameters"
