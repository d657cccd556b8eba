"""Results of packed cells back into a study's output folder: those that are this study's become finished cells, as if run here."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Never

from ablations.cells.cell_contents import lay_out_training
from ablations.cells.cell_folder import CHECKPOINTS, ERROR, TIMING, TRAINING, lay_plugins, result_of_training
from ablations.cells.cells import CellPlan
from ablations.cells.measure_job import MEASURE, MEASURED, as_bytes, with_texts
from ablations.cells.measuring_plan import identity_of_asked
from ablations.core.data.inputs import input_digests
from ablations.core.measuring import ASKED, FOLDER
from ablations.core.spec.cell_spec import CELL, CellSpec
from ablations.core.spec.machine import as_settings
from ablations.core.spec.strict import build
from ablations.elsewhere.runner.archives import Sent, read_archives
from ablations.elsewhere.runner.outcome import OUTCOME, Weights, read_outcome, wanted
from ablations.elsewhere.runner.pack_folder import RESULTS, content_digest
from curation.runtime.cluster.cluster import Idle
from curation.runtime.errors import ConfigError, InputError, LoamError
from curation.runtime.stages.stage import Job, Output, Stage
from curation.runtime.stages.stages import run_stages
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.manifest import Manifest, finished
from curation.runtime.store.marks import Mark, MarkingFolder
from curation.runtime.store.receipts import write_receipt

FIX = "Run the cell again where it ran, or bring its archive again."


class Refused(LoamError):
    """A result that a cell of this study could not have given."""


@dataclass(frozen=True)
class Unpacked:
    """Names of cells: now merged, finished before with the same result; and of refused ones, why."""

    merged: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def archives_at(places: Sequence[Path]) -> list[Path]:
    """The archives at these places: files, folders of files, packed folders.

    Raises:
        ConfigError: there are none.
    """
    archives: list[Path] = []
    for place in places:
        folder = place / RESULTS if (place / RESULTS).is_dir() else place
        archives += sorted(folder.glob("*.tar")) if folder.is_dir() else [place]
    if not archives or any(not path.is_file() for path in archives):
        where = ", ".join(str(place) for place in places)
        raise ConfigError(f"{where}: no archive of results there. Give a packed folder that was run, or its archives.")
    return archives


def unpack(plans: Sequence[CellPlan], out: Folder, archives: Sequence[Path], weights: Weights = "last") -> Unpacked:
    """Merge what belongs to these plans; a refused cell leaves no files and stops no other.

    Args:
        weights: which of the sent weights to take: without those of the end a cell cannot be measured again here.
    """
    by_identity = {(plan.output.fingerprint, plan.name): plan for plan in plans}
    done = Unpacked()
    for name, sent in read_archives(archives).items():
        try:
            outcome = read_outcome(sent.read(OUTCOME))
            plan = by_identity.get((outcome["fingerprint"], outcome["cell"]))
            if plan is None:
                raise Refused(_foreign(outcome, plans))
            cell = checked(plan, outcome, sent, weights)
            (done.merged if _merge(plan, out, cell) else done.known).append(name)
        except (Refused, InputError) as error:
            done.refused[name] = str(error)
    return done


def _foreign(outcome: Mapping[str, Any], plans: Sequence[CellPlan]) -> str:
    """Why no cell of the study has this identity."""
    same = [plan for plan in plans if outcome["spec_digest"] == plan.training.digest()]
    if not same:
        return f"is no cell of this study as it is now (fingerprint {outcome['fingerprint'][:12]}). Give the study that was packed."
    if other := [plan for plan in same if dict(plan.machine) != outcome["machine"]]:
        return _other_machine(other[0], outcome)
    return "has the spec of a cell of this study, but other tokens or other code. Pack the study again as it is now."


def _other_machine(plan: CellPlan, outcome: Mapping[str, Any]) -> str:
    return (
        f"ran on {as_settings(outcome['machine'])}, but the study is planned for {as_settings(plan.machine)}. "
        "Write the former into the study, or run the cells there."
    )


@dataclass(frozen=True)
class CheckedCell:
    """A packed cell's files, checked to be those of this study's cell.

    Attributes:
        record: its training.json, parsed.
        files: path in the cell -> content, with the weights to take.
        away: weights that stayed elsewhere, with their marks.
        measures: label -> value, of those that this study measures in the same way.
    """

    record: Mapping[str, Any]
    files: Mapping[str, bytes]
    away: Mapping[str, Mark]
    measures: Mapping[str, dict[str, Any]]


def checked(plan: CellPlan, outcome: Mapping[str, Any], sent: Sent, weights: Weights) -> CheckedCell:
    """A packed cell, after checking that all of it fits the plan.

    Raises:
        Refused, InputError: the first thing that does not.
    """
    spec = plan.training
    if outcome["machine"] != dict(plan.machine):
        raise Refused(_other_machine(plan, outcome))
    if outcome["spec_digest"] != spec.digest():
        raise Refused(f"ran with another spec ({outcome['spec_digest'][:12]} instead of {spec.digest()[:12]}). {FIX}")
    _check_inputs(plan, outcome)
    files = {name: _file(outcome, sent, name) for name in (CELL, TRAINING, TIMING)}
    if build(CellSpec, json.loads(files[CELL]), CELL).training != spec:
        raise Refused(f"{CELL} is not that of this study's cell. {FIX}")
    record = json.loads(files[TRAINING])
    if record.get("spec_digest") != spec.digest():
        raise Refused(f"{TRAINING} is that of another cell. {FIX}")
    points = [str(point["file"]) for point in record["points"]]
    here = {name: _file(outcome, sent, name) for name in wanted(points, weights) if name in sent.files}
    for point in record["points"]:  # what was signed is what was trained, whether it came along or not
        if outcome["files"].get(point["file"], {}).get("sha256") != point["sha256"]:
            raise Refused(f"{point['file']} is not the file that {TRAINING} names. {FIX}")
    signed = {name: outcome["files"][name] for name in points if name not in here}
    away = {name: Mark(each["bytes"], f"sha256:{each['sha256']}") for name, each in signed.items()}
    return CheckedCell(record, {**files, **here}, away, dict(_measures(plan, outcome, sent, record)))


def _check_inputs(plan: CellPlan, outcome: Mapping[str, Any]) -> None:
    """Training has to have read what this study's cell reads; each measure records what measuring read."""
    with tempfile.TemporaryDirectory(prefix="loam-unpack-") as scratch:
        lay_out_training(Path(scratch), plan)
        inputs = input_digests(Path(scratch), plan.training, None)
    if wrong := sorted(path for path in inputs if inputs[path] != outcome["inputs"].get(path)):
        raise Refused(f"read other data than this study has: {', '.join(wrong)}. Pack the study again as it is now.")


def _file(outcome: Mapping[str, Any], sent: Sent, name: str) -> bytes:
    content, signed = sent.read(name), outcome["files"].get(name, {})
    if (signed.get("sha256"), signed.get("bytes")) != (content_digest(content), len(content)):
        raise Refused(f"{name} was changed or cut off on the way. {FIX}")
    return content


def _measures(
    plan: CellPlan, outcome: Mapping[str, Any], sent: Sent, record: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those of this study with the same identity, of these weights; others are measured again where there are weights.

    None of a cell that diverged: nothing of it is asked for, and it need not have been measured.
    """
    for label, asked in plan.asked.items() if not record["diverged"] else ():
        if outcome["measures"].get(label) == identity_of_asked(asked):
            value = json.loads(_file(outcome, sent, f"{FOLDER}/{label}.json"))
            value.pop(ASKED, None)  # here the manifest records it
            if value.get("weights") != record["points"][-1]["sha256"]:
                raise Refused(f"{label} was measured of other weights. {FIX}")
            yield label, value


def _merge(plan: CellPlan, out: Folder, result: CheckedCell) -> bool:
    """Whether the cell was not trained before. Receipts are written after the files and manifests last, as in any stage.

    Raises:
        Refused: it was trained before, with another result.
    """
    folder = plan.output.folder(out)
    known = finished(folder, plan.output.what)
    if known and folder.read(TRAINING) != result.files[TRAINING]:
        raise Refused(f"{folder.url} is finished with another result. Move it away to take this one.")
    new = known is None or any(name in known.away for name in result.files)
    if new:
        _merge_training(plan, out, folder, result, known)
    _merge_measures(plan, out, result)
    return new


def _merge_training(plan: CellPlan, out: Folder, folder: Folder, result: CheckedCell, known: Manifest | None) -> None:
    if folder.is_local:
        lay_out_training(Path(folder.url), plan)
        for name in (*CHECKPOINTS, ERROR):
            Path(folder.url, name).unlink(missing_ok=True)
    marking = MarkingFolder(folder.url)
    for name, content in result.files.items():
        if name != CELL:
            marking.write(name, content)
    lay_plugins(marking, plan.plugins)
    marking.write_json(CELL, plan.spec.to_json())  # the same value, with keys in the order of a run here
    away = {name: mark for name, mark in result.away.items() if not (known and name in known.files)}
    files = {**{n: m for n, m in (known.files if known else {}).items() if n not in marking.marks}, **marking.marks}
    folder.remove_file(MANIFEST)
    signed = dataclasses.replace(result_of_training(result.record), away=away)
    write_receipt(folder, "cell", float(json.loads(result.files[TIMING])["seconds"]), signed, files)
    run_stages([plan.stage()], out, Idle())  # every job has its receipt: only the manifest is written


def _merge_measures(plan: CellPlan, out: Folder, result: CheckedCell) -> None:
    """Each measure becomes a finished stage, its written answers as text too."""
    outputs: dict[str, Output] = {}
    for label in result.measures:
        output = plan.measures[label].output(plan.label, plan.asked[label], result.record["points"])
        if finished(output.folder(out), output.what) is None:
            outputs[label] = output
    for label, output in outputs.items():
        marking = MarkingFolder(output.folder(out).url)
        marking.write(MEASURE, as_bytes(with_texts(dict(result.measures[label]), plan.tokenizer)))
        write_receipt(output.folder(out), "measure", 0.0, MEASURED, marking.marks)
    if outputs:
        run_stages([Stage("measures", outputs, [Job("measure", None, 0)], _nothing, None)], out, Idle())


def _nothing(*_: object) -> Never:
    raise AssertionError("every job has its receipt")
