"""The plan of a finished cell from its study's record, so that it can be measured without its study's file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablations.cells.cell_folder import path_of
from ablations.cells.cells import CellPlan
from ablations.cells.measuring_plan import MeasuringPlan
from ablations.cells.named_cell import named_cell, recorded
from ablations.core.metrics.registry import METRICS
from ablations.core.spec.cell_spec import CELL, CellSpec
from ablations.core.spec.measuring_spec import MeasuringSpec
from ablations.core.spec.strict import build
from ablations.prompts.task_items import ITEMS, ItemsFile
from curation.runtime.registry import Plugin
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.parts import read_checked
from tokenizer.encode import TokenSet


@dataclass(frozen=True)
class RecordedPlan:
    """A trained cell, planned from its record.

    Attributes:
        unknown: metrics of the study that came from plugins which the user did not name; they are not measured.
    """

    plan: CellPlan
    folder: Folder
    study: str
    unknown: Sequence[str]


def recorded_plan(out: Folder, cell: str, plugins: Sequence[Plugin]) -> RecordedPlan:
    """The cell of this name, planned from the record of the last study that has it.

    Raises:
        ConfigError: there is none, several, it is not trained, or no study knows it.
    """
    known = recorded(named_cell(cell, out))[-1]
    return _plan_of_entry(known.out, known.folder, str(known.record["name"]), known.entry, plugins)


def _plan_of_entry(
    out: Folder, folder: Folder, study: str, entry: Mapping[str, Any], plugins: Sequence[Plugin]
) -> RecordedPlan:
    manifest = Manifest.load(folder)
    spec = build(CellSpec, json.loads(read_checked(folder, CELL)), f"{folder.url}/{CELL}")
    measuring = build(MeasuringSpec, entry["measuring"], f"{study}: measuring")
    known = METRICS.catalogue(plugins)
    metrics = tuple(name for name in measuring.metrics if name in known)
    named = tuple(map(path_of, plugins))
    plan = MeasuringPlan(
        dataclasses.replace(measuring, metrics=metrics, plugins=named),
        {source: _token_set(out / path, source) for source, path in entry["heldout"].items()},
        {task: ItemsFile(task, read_checked(out / path, ITEMS).decode()) for task, path in entry["items"].items()},
        tuple(plugins),
    )
    tokens = {stem: _token_set(out / path, stem) for stem, path in entry["train"].items()}
    tokenizer = out / entry["tokenizer"] if entry["tokenizer"] else None
    cell = CellPlan(spec, tokens, entry["control"], manifest.what["machine"], plan, tokenizer)
    return RecordedPlan(cell, folder, study, [name for name in measuring.metrics if name not in known])


def _token_set(folder: Folder, source: str) -> TokenSet:
    return TokenSet(source, folder, folder, Manifest.load(folder))
