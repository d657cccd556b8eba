"""Cells of a study to another machine, and their results back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablations.cells.cell_states import states
from ablations.cells.standing import Standing
from ablations.elsewhere import pack as packing
from ablations.elsewhere import unpack as unpacking
from ablations.elsewhere.runner.outcome import Weights
from ablations.settings.machine import is_stated
from ablations.study import pipeline as studies
from ablations.study import record
from ablations.study.opening import prepared_study, study_to_run
from ablations.study.planned_design import check_planned
from curation.runtime.command_line.command import table
from curation.runtime.command_line.options import Command


@dataclass(frozen=True)
class Repeated:
    """How often an arm's cells see a source; see `elsewhere.pack.Repetition`."""

    arm: str
    source: str
    distinct_tokens: int
    scheduled_tokens: int
    times: float


@dataclass(frozen=True)
class PackedCells:
    """What was packed: cells, bytes of all files together, repetitions, and lines on it."""

    folder: str
    cells: int
    bytes: int
    repetitions: Sequence[Repeated]
    notes: Sequence[str]


def pack(command: Command, folder: str, limit_mib: float) -> PackedCells:
    """Cells that are not trained, into a folder; what they need of the curation is made first."""
    study, recipe = study_to_run(command)
    with command.running(study.name) as out:
        prepared = studies.prepare(study, recipe, out, command.compute)
        check_planned(study, prepared.plans)
        record.write_record(prepared, out)
        waiting = [state.plan for state in states(prepared.plans, out) if not state.trained]
        there = [p for p in waiting if not study.machine or is_stated(study.machine, p.training.compute.device)]
        packed = packing.pack(study.name, there, Path(folder), limit_mib)
    notes = packing.lines(packed, there, len(waiting) - len(there), study.machine is None)
    repetitions = [
        Repeated(each.arm, each.source, each.distinct_tokens, each.scheduled_tokens, each.times)
        for each in packed.repetitions
    ]
    return PackedCells(folder, packed.cells, packed.bytes, repetitions, notes)


def packed_text(packed: PackedCells) -> str:
    """How often each source is repeated; the last line is the folder."""
    rows = [(r.arm, r.source, r.distinct_tokens, r.scheduled_tokens, r.times) for r in packed.repetitions]
    repeated = table(("arm", "source", "distinct tokens", "tokens of the schedule", "times seen"), rows)
    return "\n".join((repeated, "", *packed.notes, packed.folder))


@dataclass(frozen=True)
class UnpackedCells:
    """Names of cells: merged now, there before, and refused with the reason.

    Attributes:
        away: how many cannot be measured again here, since their weights stayed where they were trained.
    """

    merged: Sequence[str]
    known: Sequence[str]
    refused: Mapping[str, str]
    standing: Standing
    away: int


def unpack(command: Command, places: Sequence[str], weights: Weights) -> UnpackedCells:
    """Results of packed cells, as if they had run here."""
    prepared = prepared_study(command)
    with command.running(prepared.study.name) as out:
        archives = unpacking.archives_at([Path(place) for place in places])
        done = unpacking.unpack(prepared.plans, out, archives, weights)
        record.write_record(prepared, out)
    after = states(prepared.plans, out)
    away = sum(state.away for state in after)
    return UnpackedCells(done.merged, done.known, done.refused, Standing.of(after), away)


def unpacked_text(done: UnpackedCells) -> str:
    known = f", {len(done.known)} were there already" if done.known else ""
    lines = [f"{len(done.merged)} cells merged{known}, {len(done.refused)} refused", done.standing.summary]
    away = f"{done.away} of them cannot be measured again here: their weights stayed where they were trained"
    return "\n".join([*lines, *([away] if done.away else [])])
