"""Arms that are run at several values of a nuisance and stand with the cells of the best one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from ablations.core.results.readings import Name
from ablations.settings.study import Study
from ablations.settings.variants import values_of_best, varied_arms
from ablations.statistics.cell_result import CellResult

BY = "bits_per_byte"  # never a measure of in-context learning, or the choice would be what is tested


@dataclass(frozen=True)
class Standing:
    """The cells that verdicts are about, under the names of the study's arms, and in words which ones these are."""

    cells: Sequence[CellResult]
    said: Sequence[str]


def standing(study: Study, cells: Sequence[CellResult]) -> Standing:
    """Of each arm the cells of the value at which its own held-out text takes the fewest bits per byte, as a mean over its seeds.

    A value counts when no arm's value has more finished cells. Without `best_of` the cells as they are.
    """
    if not study.best_of:
        return Standing(cells, ())
    added = varied_arms(study)
    kept, said = [], []
    for arm in (arm for arm in study.arms if arm not in added):
        values = values_of_best(study, arm)
        of = {each: [cell for cell in cells if cell.arm == each] for each in values}
        most = max(map(len, of.values()))
        bits = {each: _bits(study, arm, of[each]) for each in values if of[each] and len(of[each]) == most}
        if known := {each: value for each, value in bits.items() if value is not None}:
            best = min(known, key=lambda each: known[each])
            kept += [replace(cell, arm=arm) for cell in of[best]]
            each_value = ", ".join(f"{known[each]:.3f} at {values[each]}" for each in known)
            said.append(f"arm {arm} stands at {values[best]}: bits per byte of its text {each_value}")
        else:
            kept += of[arm]
    return Standing(kept, said)


def _bits(study: Study, arm: str, cells: Sequence[CellResult]) -> float | None:
    names = [Name(BY, source=source).text for source in study.mixture(arm)]
    values = [cell.values[name] for cell in cells for name in names if name in cell.values]
    return fmean(values) if values else None
