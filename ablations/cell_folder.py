"""A cell's folder: everything that it needs is laid out, then it runs there."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablations.core.machine import as_settings, machine_class
from curation.runtime.errors import ConfigError
from curation.runtime.stages import Result
from curation.runtime.store import Folder
from tokenizer.encode import DOCUMENTS, TOKENS

SPEC, WEIGHTS, TIMING, RESULT, ERROR = "cell.json", "model.safetensors", "timing.json", "result.json", "error.json"
CHECKPOINT = "checkpoint.pt"  # core's; its module would load torch


def cell_job(shared: Mapping[str, Any], spec: Mapping[str, Any], folders: dict[str, Folder]) -> dict[str, Result]:
    """One task: lay the cell's folder out and run it; on an object store it is run in a scratch folder and sent there."""
    (folder,) = folders.values()
    here = machine_class(spec["spec"]["compute"]["device"])
    if spec["machine"] != here:
        raise ConfigError(
            f"planned for {as_settings(spec['machine'])}, but this node is {as_settings(here)}: the bits would differ "
            "from the others'. Take the cell there with `loam ablate pack`, or start the study on nodes of one kind."
        )
    if folder.is_local:
        lay_out(Path(folder.url), spec)
        return _run(Path(folder.url), folder)
    with tempfile.TemporaryDirectory(prefix="loam-cell-") as scratch:
        lay_out(Path(scratch), spec)
        result = _run(Path(scratch), folder)
        for name in (SPEC, WEIGHTS, TIMING, RESULT):
            folder.write(name, Path(scratch, name).read_bytes())
        return result


def _run(path: Path, folder: Folder) -> dict[str, Result]:
    from ablations.core.cell import run_cell

    try:
        run_cell(path)
    except Exception as error:
        folder.write_json(ERROR, {"error": f"{type(error).__name__}: {error}"})
        raise
    (path / ERROR).unlink(missing_ok=True)
    return {"cell": receipt((path / TIMING).read_bytes())}


def receipt(timing: bytes, with_weights: bool = True) -> Result:
    """What the cell's receipt says: its parts, and the seconds of its timing.json."""
    parts = [{"file": name, "rows": 1} for name in (SPEC, *([WEIGHTS] if with_weights else []), RESULT)]
    return {"seconds": round(float(json.loads(timing)["seconds"]), 3), "parts": parts, "counts": {}}


def lay_out(path: Path, contents: Mapping[str, Any]) -> None:
    """Everything that the cell needs (`CellPlan.contents`), its spec last: a folder with a cell.json is complete."""
    for stem, (source, split) in contents["tokens"].items():
        for pattern in (TOKENS, DOCUMENTS):
            _link(source, pattern.format(split), path / pattern.format(stem))
    for name, text in contents["tasks"].items():
        Folder(str(path)).write(name, text.encode())
    for name, text in contents["plugins"].items():
        Folder(str(path)).write(f"plugins/{name}", text.encode())
    Folder(str(path)).write_json(SPEC, dict(contents["spec"]))


def _link(folder: Folder, name: str, target: Path) -> None:
    """The same file under another name; a copy where the disk has no links. Cells of a sweep share their tokens' bytes."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with folder.local(name) as path, Folder(str(target.parent)).draft(target.name) as draft:
        try:
            os.link(path, draft)
        except OSError:
            shutil.copyfile(path, draft)
