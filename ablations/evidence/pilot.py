"""Variances for a power analysis: of cells that have finished, else those that come with the program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from itertools import combinations

from ablations.cells.cell_files import cell_result
from ablations.cells.cell_folder import TIMING
from ablations.cells.recorded_cells import recorded_cells
from ablations.statistics.cell_result import CellResult
from ablations.statistics.claim_estimates import arm_block, block_between
from ablations.statistics.crossed import Array
from ablations.statistics.measures import Measures
from ablations.statistics.variances import Variances, mean_of
from curation.runtime.config import read_yaml
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin
from curation.runtime.shipped import find_config
from curation.runtime.store.folder import Folder
from curation.runtime.store.parts import read_checked

SHIPPED = "variance_components.yaml"
LEAST_SEEDS = 2
CONTROL = "control_"  # how the arms of configs/controls.yaml begin


@dataclass(frozen=True)
class Pilot:
    """Finished cells, and the seconds that each took. Without any, everything is guessed from the shipped variances."""

    measures: Measures
    seconds: tuple[float, ...] = ()
    place: str = ""


@dataclass(frozen=True)
class Guess:
    """Variances of a contrast, and where they are from.

    Attributes:
        items: in each cell that they were estimated from, the fewest; 1 where a cell has a single number.
    """

    variances: Variances
    source: str
    items: int = 1


def finished_cells(out: Folder, study: str | None = None, plugins: Sequence[Plugin] = ()) -> Pilot:
    """The trained cells of an output folder: of one study, or of all whose records are in its runs/.

    Args:
        plugins: files with metrics; readings of other plugins' metrics are not read.
    """
    cells: dict[str, CellResult] = {}
    seconds: dict[str, float] = {}
    for each in recorded_cells(out, study):
        result = cell_result(each.files(plugins), curves=False)
        cells[each.name] = _united(cells[each.name], result) if each.name in cells else result
        if each.folder.exists(TIMING):
            seconds[each.name] = float(json.loads(read_checked(each.folder, TIMING))["seconds"])
    return Pilot(Measures.of_cells(cells.values()), tuple(seconds.values()), out.url)


def _united(one: CellResult, other: CellResult) -> CellResult:
    """The same cell in two studies, each with its own measures."""
    return replace(
        one, readings={**one.readings, **other.readings}, answers={**one.answers, **other.answers},
        details={**one.details, **other.details}, counts={**one.counts, **other.counts},
    )  # fmt: skip


def pilot_of(url: str, plugins: Sequence[Plugin] = ()) -> Pilot:
    """The cells that `--pilot` names.

    Raises:
        ConfigError: there is no trained cell.
    """
    found = finished_cells(Folder(url.rstrip("/") or "/"), plugins=plugins)
    if not found.measures.cells:
        raise ConfigError(f"--pilot {url}: no trained cell of a study in it. Name the --out folder of one that ran.")
    return found


def own_variances(measure: str, arm: str, pilot: Pilot) -> Guess | None:
    """Of a measure in an arm: that arm's, else the mean of all arms that finished, else the shipped ones."""
    for arms in ([arm], _others(pilot)):
        blocks = [arm_block(pilot.measures, each, measure) for each in arms]
        if found := _estimated(blocks, pilot, arms if len(arms) == 1 else ()):
            return found
    return _shipped(measure, "own")


def variances_between(measure: str, arm: str, other: str, pilot: Pilot) -> Guess | None:
    """Of the paired difference of two arms, in the same order of preference."""
    for pairs in ([(arm, other)], list(combinations(_others(pilot), 2))):
        blocks = [block_between(pilot.measures, one, two, measure) for one, two in pairs]
        if found := _estimated(blocks, pilot, pairs[0] if len(pairs) == 1 else ()):
            return found
    return _shipped(measure, "between")


def _others(pilot: Pilot) -> list[str]:
    """Arms whose cells serve for one that has not run: the controls only where there is nothing else."""
    arms = pilot.measures.arms()
    return [arm for arm in arms if not arm.startswith(CONTROL)] or arms


def _estimated(blocks: Sequence[Array | None], pilot: Pilot, arms: Sequence[str]) -> Guess | None:
    enough = [block for block in blocks if block is not None and len(block) >= LEAST_SEEDS]
    if not enough:
        return None
    found = [Variances.estimated_from(block) for block in enough]
    whose = " and ".join(arms) if arms else f"the mean of {len(found)} arms or pairs"
    items = min(block.shape[2] for block in enough)
    return Guess(mean_of(found), f"finished cells in {pilot.place}: {whose}", items)


def _shipped(measure: str, which: str) -> Guess | None:
    for entry in read_yaml(find_config(SHIPPED))["measures"]:
        if fnmatch(measure, entry["measure"]):
            return Guess(Variances(**entry[which]), f"configs/{SHIPPED}: {entry['measure']}")
    return None
