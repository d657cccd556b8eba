"""Variances that a plan can rest on: of cells that have finished, else those that come with the program."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import combinations

from ablations.cell_folder import RESULT, SPEC, TIMING
from ablations.statistics.crossed import Array
from ablations.statistics.measures import CellResult, Measures, values_of
from ablations.statistics.questions import arm_block, block_between
from ablations.statistics.variances import Variances, mean_of
from curation.run_record import STUDY_ENDING
from curation.runtime.config import read_yaml
from curation.runtime.errors import ConfigError
from curation.runtime.store import Folder
from curation.shipped import find

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
    """Variances of a contrast, and where they are from."""

    variances: Variances
    source: str


def finished_cells(out: Folder, study: str | None = None) -> Pilot:
    """The finished cells of an output folder: of one study, or of all whose records are in its runs/."""
    cells, seconds = [], []
    for folder in _folders(out, study):
        if folder.exists(RESULT) and folder.exists(SPEC):
            spec, result = folder.read_json(SPEC), json.loads(folder.read(RESULT))
            name = folder.url.rstrip("/").rsplit("/", 1)[-1]
            cells.append(CellResult(name, spec["arm"], int(spec["seed"]), values_of(result), result))
            if folder.exists(TIMING):
                seconds.append(float(folder.read_json(TIMING)["seconds"]))
    return Pilot(Measures(cells), tuple(seconds), out.url)


def pilot_of(url: str) -> Pilot:
    """The cells that `--pilot` names.

    Raises:
        ConfigError: there is no finished cell.
    """
    found = finished_cells(Folder(url.rstrip("/") or "/"))
    if not found.measures.cells:
        raise ConfigError(f"--pilot {url}: no finished cell of a study in it. Name the --out folder of one that ran.")
    return found


def _folders(out: Folder, study: str | None) -> Iterator[Folder]:
    runs = out / "runs"
    for name in sorted(runs.names()) if runs.exists() else ():
        if name.endswith(STUDY_ENDING) and study in (None, name.removesuffix(STUDY_ENDING)):
            yield from (Folder(f"{out.url}/{path}") for path in runs.read_json(name)["cells"].values())


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
    """Arms that stand for one that has not run: the controls only where there is nothing else."""
    arms = pilot.measures.arms()
    return [arm for arm in arms if not arm.startswith(CONTROL)] or arms


def _estimated(blocks: Sequence[Array | None], pilot: Pilot, arms: Sequence[str]) -> Guess | None:
    found = [Variances.found_in(block) for block in blocks if block is not None and len(block) >= LEAST_SEEDS]
    if not found:
        return None
    whose = " and ".join(arms) if arms else f"the mean of {len(found)} arms or pairs"
    return Guess(mean_of(found), f"finished cells in {pilot.place}: {whose}")


def _shipped(measure: str, which: str) -> Guess | None:
    for entry in read_yaml(find(SHIPPED))["measures"]:
        if fnmatch(measure, entry["measure"]):
            return Guess(Variances(**entry[which]), f"configs/{SHIPPED}: {entry['measure']}")
    return None
