"""Results of packed cells back into a study's output folder: those that are this study's become finished cells, as if run here."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablations.cell_folder import CHECKPOINT, ERROR, RESULT, SPEC, TIMING, WEIGHTS, lay_out, receipt
from ablations.cells import CellPlan, typed_spec
from ablations.core.archives import Sent, read_archives
from ablations.core.inputs import input_digests
from ablations.core.machine import as_settings
from ablations.core.outcome import OUTCOME, read_outcome
from ablations.core.pack_folder import RESULTS, digest
from curation.runtime.cluster import Idle
from curation.runtime.errors import ConfigError, InputError, LoamError
from curation.runtime.identity import canonical
from curation.runtime.manifest import finished
from curation.runtime.stages import run_stages
from curation.runtime.store import Folder

FIX = "Run the cell again where it ran, or bring its archive again."


class Refused(LoamError):
    """A result that is not what a cell of this study would have come to."""


@dataclass(frozen=True)
class Unpacked:
    """Names of cells: now merged, finished before with the same result; and of refused ones, why."""

    merged: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def archives_at(places: Sequence[Path]) -> list[Path]:
    """The archives that a user means: files, folders of files, packed folders.

    Raises:
        ConfigError: there are none.
    """
    found: list[Path] = []
    for place in places:
        folder = place / RESULTS if (place / RESULTS).is_dir() else place
        found += sorted(folder.glob("*.tar")) if folder.is_dir() else [place]
    if not found or any(not path.is_file() for path in found):
        where = ", ".join(str(place) for place in places)
        raise ConfigError(f"{where}: no archive of results there. Give a packed folder that was run, or its archives.")
    return found


def unpack(plans: Sequence[CellPlan], out: Folder, archives: Sequence[Path], weights: bool = True) -> Unpacked:
    """Merge what belongs to these plans; a refused cell leaves nothing behind and keeps no other out.

    Args:
        weights: false takes results whose weights did not come along, or leaves them out.
    """
    by_fingerprint = {plan.output.fingerprint: plan for plan in plans}
    done = Unpacked()
    for name, sent in read_archives(archives).items():
        try:
            outcome = read_outcome(sent.read(OUTCOME))
            plan = by_fingerprint.get(outcome["fingerprint"])
            if plan is None:
                raise Refused(_foreign(outcome, plans))
            files = checked(plan, outcome, sent, weights)
            (done.merged if _merge(plan, out, files) else done.known).append(name)
        except (Refused, InputError) as error:
            done.refused[name] = str(error)
    return done


def _foreign(outcome: Mapping[str, Any], plans: Sequence[CellPlan]) -> str:
    """Why no cell of the study has this identity."""
    same = [plan for plan in plans if outcome["spec_digest"] == typed_spec(plan.spec).digest()]
    for plan in same:
        if dict(plan.machine) != outcome["machine"]:
            return _other_machine(plan, outcome)
    if same:
        return "has the spec of a cell of this study, but other tokens, tasks or plugins. Pack the study again as it is now."
    return f"is no cell of this study as it is now (fingerprint {outcome['fingerprint'][:12]}). Give the study that was packed."


def _other_machine(plan: CellPlan, outcome: Mapping[str, Any]) -> str:
    return (
        f"ran on {as_settings(outcome['machine'])}, but the study is planned for {as_settings(plan.machine)}. "
        "Write the former into the study, or run the cells there."
    )


def checked(plan: CellPlan, outcome: Mapping[str, Any], sent: Sent, weights: bool) -> dict[str, bytes]:
    """The files of a result, once everything about it was found to be that of the plan.

    Raises:
        Refused, InputError: the first thing that is not.
    """
    spec = typed_spec(plan.spec)
    if outcome["machine"] != dict(plan.machine):
        raise Refused(_other_machine(plan, outcome))
    if outcome["spec_digest"] != spec.digest():
        raise Refused(f"ran with another spec ({outcome['spec_digest'][:12]} instead of {spec.digest()[:12]}). {FIX}")
    inputs = inputs_of(plan)
    if wrong := sorted(
        path for path in {*inputs, *outcome["inputs"]} if inputs.get(path) != outcome["inputs"].get(path)
    ):
        raise Refused(f"read other data than this study has: {', '.join(wrong)}. Pack the study again as it is now.")
    names = (SPEC, TIMING, RESULT, *([WEIGHTS] if weights else []))
    files = {name: sent.read(name) for name in names}
    for name, content in files.items():
        if outcome["files"].get(name) != {"sha256": digest(content), "bytes": len(content)}:
            raise Refused(f"{name} was changed or cut off on the way. {FIX}")
    if canonical(json.loads(files[SPEC])) != canonical(plan.spec):
        raise Refused(f"{SPEC} is not that of this study's cell. {FIX}")
    _check_result(json.loads(files[RESULT]), plan, spec.digest())
    return files


def _check_result(result: Mapping[str, Any], plan: CellPlan, spec_digest: str) -> None:
    found = result.get("spec_digest"), result.get("arm"), result.get("seed"), sorted(result.get("final", {}))
    if found != (spec_digest, plan.arm, plan.seed, sorted(plan.spec["metrics"])):
        raise Refused(f"{RESULT} is that of another cell or lacks metrics. {FIX}")


def inputs_of(plan: CellPlan) -> dict[str, str]:
    """Hashes of what the cell reads, taken from this study's own files."""
    with tempfile.TemporaryDirectory(prefix="loam-unpack-") as scratch:
        lay_out(Path(scratch), plan.contents)
        return input_digests(Path(scratch), typed_spec(plan.spec))


def _merge(plan: CellPlan, out: Folder, files: Mapping[str, bytes]) -> bool:
    """Whether the cell was not finished before. The receipt comes after the files and the manifest after it, as in any stage.

    Raises:
        Refused: it was finished before, with another result.
    """
    folder = plan.output.folder(out)
    if finished(folder, plan.output.what):
        if folder.read(RESULT) != files[RESULT]:
            raise Refused(f"{folder.url} is finished with another result. Move it away to take this one.")
        return False
    if folder.is_local:
        lay_out(Path(folder.url), plan.contents)
        for name in (CHECKPOINT, ERROR):
            Path(folder.url, name).unlink(missing_ok=True)
    folder.write_json(SPEC, dict(plan.spec))  # the same value in the order of keys that a run here has
    for name in (WEIGHTS, TIMING, RESULT):  # last the result: what has one is never run again
        if name in files:
            folder.write(name, files[name])
    folder.write_json("receipts/cell.json", receipt(files[TIMING], WEIGHTS in files))
    run_stages([plan.stage()], out, Idle())  # every job has its receipt: only the manifest is written
    return True
