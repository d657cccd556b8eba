"""Finished cells under other code: adopted where one of them, trained anew, gives the same weights bit for bit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablations.cells import sweep
from ablations.cells.cell_contents import lay_out_training
from ablations.cells.cell_folder import TRAINING, result_of_training
from ablations.cells.cells import CellPlan
from ablations.core.results.files import json_bytes
from ablations.core.spec.cell_spec import CELL
from ablations.core.spec.strict import as_json, build
from ablations.core.spec.training_spec import TrainingSpec
from ablations.core.training.members import whole_training
from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import ConfigError, LoamError
from curation.runtime.identity import fingerprint
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.manifest import Manifest, finished
from curation.runtime.store.marks import MarkingFolder
from curation.runtime.store.parts import read_checked

FREE_TO_DIFFER = (
    "code",
    "training",
)  # the code is what is tried; training specs are compared with their defaults filled in


@dataclass(frozen=True)
class Earlier:
    """A cell of the study that was finished under other code."""

    plan: CellPlan
    folder: Folder
    manifest: Manifest


@dataclass(frozen=True)
class Tried:
    """One shape: the cell that was trained anew, whether its weights are equal, and the cells that were adopted."""

    cell: str
    equal: bool
    adopted: Sequence[str]


def adopt(plans: Sequence[CellPlan], out: Folder, compute: Compute) -> list[Tried]:
    """Try every shape that has cells finished under other code and not under this one.

    Raises:
        StageError: a cell could not be trained.
    """
    found = [each for plan in plans if (each := earlier(plan, out))]
    shapes: dict[str, list[Earlier]] = {}
    for each in found:
        shapes.setdefault(shape_of(each.plan), []).append(each)
    return [_try(group, out, compute) for group in shapes.values() if any(not _is_finished(e, out) for e in group)]


def shape_of(plan: CellPlan) -> str:
    """What two cells have in common that run through the same code: everything but their seeds and their text."""
    spec = as_json(plan.training)
    mixture = [(part["weight"], part["fraction"], part["offset"]) for part in spec["train"]]
    spec |= {"seeds": None, "train": len(mixture)}
    spec["model"] |= {"vocab_size": None}
    return fingerprint([spec, dict(plan.machine)])


def earlier(plan: CellPlan, out: Folder) -> Earlier | None:
    """The newest cell that is this one but for its code."""
    cells = out / plan.output.stage
    candidates = []
    for name in cells.names():
        if name.rpartition("-")[0] == plan.output.name and name != plan.name and (cells / name).exists(MANIFEST):
            try:
                manifest = Manifest.load(cells / name)
            except LoamError:
                continue  # of an earlier version, or damaged: never taken for a result
            if _differs_in_code_alone(plan, manifest.what):
                candidates.append(Earlier(plan, cells / name, manifest))
    return max(candidates, key=lambda each: float(each.manifest.cost["finished_at"]), default=None)


def _differs_in_code_alone(plan: CellPlan, what: Mapping[str, Any]) -> bool:
    new = plan.output.what
    if any(new.get(key) != what.get(key) for key in {*new, *what} if key not in FREE_TO_DIFFER):
        return False
    try:
        earlier = build(TrainingSpec, json.loads(json.dumps(what["training"])), "training")
        return whole_training(earlier, plan.plugins) == plan.training
    except ConfigError:
        return False


def _is_finished(each: Earlier, out: Folder) -> bool:
    return finished(each.plan.output.folder(out), each.plan.output.what) is not None


def _try(group: Sequence[Earlier], out: Folder, compute: Compute) -> Tried:
    """Train the first cell of a shape, unless one of it is trained under this code already."""
    first = next((each for each in group if _is_finished(each, out)), group[0])
    sweep.train([first.plan], out, compute)
    new = json.loads(read_checked(first.plan.output.folder(out), TRAINING))
    old = json.loads(read_checked(first.folder, TRAINING))
    if new["points"] != old["points"]:
        return Tried(first.plan.name, False, [])
    others = [each for each in group if each is not first and not _is_finished(each, out)]
    for each in others:
        _keep(each, first, out)
    return Tried(first.plan.name, True, [each.plan.name for each in others])


def _keep(each: Earlier, tried: Earlier, out: Folder) -> None:
    """The result under its new identity; the earlier one stays until `loam gc`."""
    plan, folder = each.plan, MarkingFolder(each.plan.output.folder(out).url)
    record = {**json.loads(read_checked(each.folder, TRAINING)), "spec_digest": plan.training.digest()}
    for name, content in _contents(each):
        folder.write(name, content)
    if folder.is_local:
        lay_out_training(Path(folder.url), plan)
    folder.write_json(CELL, plan.spec.to_json())
    folder.write(TRAINING, json_bytes(record))
    Manifest(
        plan.output.stage,
        plan.output.name,
        plan.output.what,
        parts=result_of_training(record).parts,
        counts=each.manifest.counts,
        cost=each.manifest.cost,
        files=dict(folder.marks),
        away=each.manifest.away,
        adopted={
            "from": each.folder.name,
            "code": each.manifest.what["code"],
            "equal_weights": tried.plan.name,
            "compared_with": tried.folder.name,
        },
    ).save(Folder(folder.url))


def _contents(each: Earlier) -> Iterator[tuple[str, bytes]]:
    for name in each.manifest.files:
        if name not in (CELL, TRAINING):
            yield name, read_checked(each.folder, name)
