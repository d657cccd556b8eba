"""Runs a stage: jobs as Ray tasks, a bounded number in flight, receipts after parts, the manifest after receipts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import DamagedError, LoamError, StageError
from curation.runtime.stages.scheduling import run_jobs
from curation.runtime.stages.stage import AnyStage, Job, Output, Task
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest, damage, damage_at_start, finished
from curation.runtime.store.naming import name_folders
from curation.runtime.store.receipts import forget, read_receipts

T = TypeVar("T")


Known = dict[str, Manifest | None]


def run_stage(stage: AnyStage, out: Folder, compute: Compute) -> dict[str, Manifest]:
    """One stage alone; see `run_stages`."""
    return run_stages([stage], out, compute)[0]


def run_stages(stages: Sequence[AnyStage], out: Folder, compute: Compute, title: str = "") -> list[dict[str, Manifest]]:
    """Do what is missing of stages that do not need each other, all their jobs together, and commit each of them.

    A stage that is whole is only read, without Ray. Of one whose files are gone or cut, the jobs that wrote them are done again.

    Returns:
        For each stage the manifests of its outputs.

    Raises:
        StageError: names the first failed job and its cause; the other jobs were still finished and keep their receipts.
        DamagedError: a file is gone, and nothing may run.
    """
    name_folders(output.folder(out) for stage in stages for output in stage.outputs.values())
    known_outputs: list[Known] = [
        {name: _known(o, out, compute) for name, o in stage.outputs.items()} for stage in stages
    ]
    started = time.monotonic()
    failed = run_jobs(
        [task for s, known in zip(stages, known_outputs, strict=True) for task in _todo(s, known, out)], compute, title
    )
    wall = time.monotonic() - started
    manifests: list[dict[str, Manifest]] = []
    for stage, known in zip(stages, known_outputs, strict=True):
        if not any(of_stage is stage for of_stage, _, _ in failed):
            manifests.append({name: known[name] or _commit(stage, name, out, wall) for name in stage.outputs})
    if failed:
        raise _first_error(failed)
    return manifests


def _known(output: Output, out: Folder, compute: Compute) -> Manifest | None:
    """The manifest of an output that is whole, as far as can be told at the start."""
    folder = output.folder(out)
    try:
        manifest = finished(folder, output.what)
        broken = damage_at_start(folder, manifest.files) if manifest else []
    except DamagedError as error:
        manifest, broken = None, [error]
    for each in broken:
        _mend(each, compute)
    return None if broken else manifest


def _mend(error: DamagedError, compute: Compute) -> None:
    """Run the jobs that wrote a damaged file again; or raise that it is damaged, where nothing may run."""
    if not compute.may_run:
        raise error
    print(f"damaged: {error.folder}/{error.file}: {error.found}; it is made again", file=sys.stderr, flush=True)
    forget(Folder(error.folder), error.file)


def mended(work: Callable[[], T], out: Folder, compute: Compute) -> T:
    """Run `work`, and run it again when it finds damaged files of earlier stages, after marking those as not done.

    Raises:
        DamagedError: a file outside of `out`, or one that is damaged again after it was made anew.
    """
    seen: set[tuple[str, str]] = set()
    while True:
        try:
            return work()
        except (DamagedError, StageError) as error:
            damaged = (error,) if isinstance(error, DamagedError) else error.damaged
            if not damaged:
                raise
            for each in damaged:
                if not each.folder.startswith(f"{out.url}/") or (each.folder, each.file) in seen:
                    raise each from error
                seen.add((each.folder, each.file))
                _mend(each, compute)


def _todo(stage: AnyStage, known: Known, out: Folder) -> Iterator[Task]:
    """Jobs without a receipt, and those whose receipt names a file that is not there."""
    folders = {name: stage.outputs[name].folder(out) for name, manifest in known.items() if manifest is None}
    done = {name: _done(folder) for name, folder in folders.items()} if stage.jobs else {}
    for job in stage.jobs if folders else ():
        lacking = {name: folder for name, folder in folders.items() if job.key not in done[name]}
        if lacking:
            yield stage, job, lacking


def _done(folder: Folder) -> set[str]:
    receipts = read_receipts(folder)
    sizes = folder.sizes() if receipts else {}
    return {
        job
        for job, receipt in receipts.items()
        if all(sizes.get(name) == mark.size for name, mark in receipt.files.items())
    }


def _first_error(failed: Sequence[tuple[AnyStage, Job[Any], BaseException]]) -> StageError:
    stage, job, cause = failed[0]
    n = sum(of_stage is stage for of_stage, _, _ in failed)
    lead = f"{stage.title}: {n} of {len(stage.jobs)} jobs failed. First: {job.key}: "
    reason = (
        str(cause)
        if isinstance(cause, LoamError)
        else f"{type(cause).__name__}: {_last_line(cause)}. Run again to redo only these."
    )
    damaged = tuple(cause for _, _, cause in failed if isinstance(cause, DamagedError))
    error = StageError(lead + reason, damaged if len(damaged) == len(failed) else ())
    error.__cause__ = cause
    return error


def _last_line(error: BaseException) -> str:
    """Ray's message about a lost worker has many lines; the last one names the cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "no message"


def _commit(stage: AnyStage, name: str, out: Folder, wall: float) -> Manifest:
    output = stage.outputs[name]
    folder = output.folder(out)
    by_job = read_receipts(folder)
    receipts = [by_job[job.key] for job in stage.jobs]
    results = [receipt.result for receipt in receipts]
    files = {file: mark for receipt in receipts for file, mark in receipt.files.items()}
    if broken := damage(folder, files):
        raise broken[0]
    manifest = Manifest(
        output.stage,
        output.name,
        output.what,
        parts=[part for result in results for part in result.parts],
        counts=stage.summarise(name, results),
        cost={
            "wall_seconds": round(wall, 3),
            "work_seconds": round(sum(receipt.seconds for receipt in receipts), 3),
            "finished_at": round(time.time(), 3),
        },
        files=files,
        away={file: mark for result in results for file, mark in result.away.items()},
    )
    manifest.save(folder)
    return manifest
