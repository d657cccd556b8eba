"""Runs a stage: jobs as Ray tasks, a bounded number in flight, receipts after parts, the manifest after receipts."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from curation.runtime.cluster import Compute
from curation.runtime.errors import LoamError, StageError
from curation.runtime.identity import fingerprint
from curation.runtime.manifest import Manifest, finished, stage_folder
from curation.runtime.progress import Meter, meter
from curation.runtime.store import Folder

Result = dict[str, Any]
LOOK_AT_NODES_EVERY_SECONDS = 20.0  # without a finished task: a node may have left
MEMORY_BASE_BYTES = 350 * 2**20  # interpreter, pyarrow, numba, a language model


@dataclass(frozen=True)
class Job:
    """One task's work. `key` names its files and its receipt; `cost` (bytes read) orders and weighs the jobs."""

    key: str
    spec: Mapping[str, Any]
    cost: int


@dataclass(frozen=True)
class Output:
    """One folder that a stage fills. Most stages have one; annotating fills one for each annotator in one walk."""

    stage: str
    name: str
    what: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.what)

    def folder(self, out: Folder) -> Folder:
        return stage_folder(out, self.stage, self.name, self.what)


Work = Callable[[Mapping[str, Any], Mapping[str, Any], dict[str, Folder]], dict[str, Result]]


@dataclass(frozen=True)
class Stage:
    """A stage to run.

    Args:
        title: shown beside the progress bar.
        outputs: the folders to fill, by a short name.
        jobs: what there is to do, in the order of the parts.
        work: a module-level function `(shared, spec, folders) -> {output: result}`. It writes its parts into `folders`, which
            holds only the outputs that still lack this job, and returns one JSON value an output: `parts` and `counts`.
        shared: given to every job.
        summarise: makes the manifest's counts of one output from the results of all its jobs; may raise to refuse them.
        memory_per_byte: memory that a job needs for each byte of its cost, for Ray's scheduler.
        held_bytes: of its cost a job holds at most these; the rest streams past.
        cpus: cores that a job uses.
    """

    title: str
    outputs: Mapping[str, Output]
    jobs: Sequence[Job]
    work: Work
    shared: Mapping[str, Any] = field(default_factory=dict)
    summarise: Callable[[str, Sequence[Result]], dict[str, Any]] = lambda _, results: total(results)
    memory_per_byte: float = 10.0
    held_bytes: float = math.inf
    cpus: int = 1


def total(results: Sequence[Result]) -> dict[str, Any]:
    """The sum of the results' counts; mappings are summed key by key."""
    result: dict[str, Any] = {}
    for counts in (r.get("counts", {}) for r in results):
        result = _plus(result, counts)
    return result


def _plus(left: dict[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(left)
    for key, value in right.items():
        if isinstance(value, Mapping):
            both[key] = _plus(both.get(key, {}), value)
        else:
            both[key] = both.get(key, 0) + value
    return dict(sorted(both.items()))


Task = tuple[Stage, Job, dict[str, Folder]]


def run_stage(stage: Stage, out: Folder, compute: Compute) -> dict[str, Manifest]:
    """One stage alone; see `run_stages`."""
    return run_stages([stage], out, compute)[0]


def run_stages(stages: Sequence[Stage], out: Folder, compute: Compute, title: str = "") -> list[dict[str, Manifest]]:
    """Do what is missing of stages that do not need each other, all their jobs together, and commit each of them.

    A stage that is whole is only read, without Ray.

    Returns:
        For each stage the manifests of its outputs.

    Raises:
        StageError: names the first failed job and its cause; the other jobs were still finished and keep their receipts.
    """
    found = [{name: finished(o.folder(out), o.what) for name, o in stage.outputs.items()} for stage in stages]
    started = time.monotonic()
    failed = _run_jobs(
        [task for s, known in zip(stages, found, strict=True) for task in _todo(s, known, out)], compute, title
    )
    wall = time.monotonic() - started
    manifests: list[dict[str, Manifest]] = []
    for stage, known in zip(stages, found, strict=True):
        if not any(of_stage is stage for of_stage, _, _ in failed):
            manifests.append({name: known[name] or _commit(stage, name, out, wall) for name in stage.outputs})
    if failed:
        raise _first_error(failed)
    return manifests


def _todo(stage: Stage, known: Mapping[str, Manifest | None], out: Folder) -> Iterator[Task]:
    folders = {name: stage.outputs[name].folder(out) for name, manifest in known.items() if manifest is None}
    receipts = {name: set((folder / "receipts").names()) for name, folder in folders.items()}
    for job in stage.jobs if folders else ():
        lacking = {name: folder for name, folder in folders.items() if f"{job.key}.json" not in receipts[name]}
        if lacking:
            yield stage, job, lacking


def _first_error(failed: Sequence[tuple[Stage, Job, BaseException]]) -> StageError:
    stage, job, cause = failed[0]
    n = sum(of_stage is stage for of_stage, _, _ in failed)
    lead = f"{stage.title}: {n} of {len(stage.jobs)} jobs failed. First: {job.key}: "
    found = (
        str(cause)
        if isinstance(cause, LoamError)
        else f"{type(cause).__name__}: {_last_line(cause)}. Run again to redo only these."
    )
    error = StageError(lead + found)
    error.__cause__ = cause
    return error


def _last_line(error: BaseException) -> str:
    """What Ray says of a lost worker runs over many lines; the last one names the cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "no message"


def _run_jobs(tasks: Sequence[Task], compute: Compute, title: str = "") -> list[tuple[Stage, Job, BaseException]]:
    """Run tasks, the longest first, so that none is left alone at the end; returns those that failed."""
    if not tasks:
        return []
    ray = compute.connect()
    titles = list(dict.fromkeys(stage.title for stage, _, _ in tasks))
    title = title or (titles[0] if len(titles) == 1 else f"{titles[0]} and {len(titles) - 1} more")
    todo = deque(sorted(tasks, key=lambda task: -task[1].cost))
    with meter(title, sum(job.cost + 1 for _, job, _ in todo)) as shown:
        return _drain(ray, todo, compute, shown)


def _drain(ray: Any, todo: deque[Task], compute: Compute, shown: Meter) -> list[tuple[Stage, Job, BaseException]]:
    remote = ray.remote(max_retries=3)(work_and_sign)
    shared = {id(stage): ray.put((stage.work, stage.shared)) for stage in {id(s): s for s, _, _ in todo}.values()}
    running: dict[Any, tuple[Task, Needs]] = {}
    failed: list[tuple[Stage, Job, BaseException]] = []
    most = Needs.of_largest_nodes(ray)
    while todo or running:
        while todo and len(running) < compute.in_flight:
            stage, job, folders = todo.popleft()
            held = min(job.cost, stage.held_bytes)
            needs = most.at_most(int(MEMORY_BASE_BYTES + stage.memory_per_byte * held), stage.cpus)
            task = remote.options(name=stage.title, memory=needs.memory, num_cpus=needs.cpus)
            running[task.remote(shared[id(stage)], job, folders)] = (stage, job, folders), needs
        done, _ = ray.wait(list(running), num_returns=1, timeout=LOOK_AT_NODES_EVERY_SECONDS)
        if not done:
            most = Needs.of_largest_nodes(ray)
            todo.extend(_taken_back(ray, running, most))
            continue
        ready = done[0]
        (stage, job, _), _ = running.pop(ready)
        try:
            ray.get(ready)
        except ray.exceptions.RayTaskError as error:
            failed.append((stage, job, error.cause if isinstance(error.cause, BaseException) else error))
        except ray.exceptions.RayError as error:  # the worker died again and again
            failed.append((stage, job, error))
        shown.advance(job.cost + 1)
    return failed


@dataclass(frozen=True)
class Needs:
    """What a task asks of the node that it runs on."""

    memory: int
    cpus: int

    @classmethod
    def of_largest_nodes(cls, ray: Any) -> Needs:
        """The most that a task may ask for: more would wait for ever."""
        return cls(most_of(ray, "memory") or MEMORY_BASE_BYTES, most_of(ray, "CPU") or 1)

    def at_most(self, memory: int, cpus: int) -> Needs:
        return Needs(min(memory, self.memory), min(cpus, self.cpus))


def _taken_back(ray: Any, running: dict[Any, tuple[Task, Needs]], most: Needs) -> Iterator[Task]:
    """Tasks that wait for a node as large as one that has left, to be submitted anew with smaller needs."""
    for ref, (task, needs) in list(running.items()):
        if needs.memory > most.memory or needs.cpus > most.cpus:
            ray.cancel(ref)
            del running[ref]
            yield task


def most_of(ray: Any, resource: str) -> int:
    """What the largest node has of a resource."""
    return int(max((node["Resources"].get(resource, 0) for node in ray.nodes() if node["Alive"]), default=0))


def work_and_sign(shared: tuple[Work, Mapping[str, Any]], job: Job, folders: dict[str, Folder]) -> None:
    """One task: the parts first, then the receipts, so that half a job can never be taken for a whole one."""
    work, values = shared
    started = time.monotonic()
    results = work(values, job.spec, folders)
    seconds = (time.monotonic() - started) / max(1, len(folders))
    for name, folder in folders.items():
        folder.write_json(f"receipts/{job.key}.json", {"seconds": round(seconds, 4), **results[name]})


def _commit(stage: Stage, name: str, out: Folder, wall: float) -> Manifest:
    folder = stage.outputs[name].folder(out)
    results = [folder.read_json(f"receipts/{job.key}.json") for job in stage.jobs]
    output = stage.outputs[name]
    manifest = Manifest(
        output.stage,
        output.name,
        output.what,
        parts=[part for result in results for part in result.get("parts", [])],
        counts=stage.summarise(name, results),
        cost={
            "wall_seconds": round(wall, 3),
            "work_seconds": round(sum(r["seconds"] for r in results), 3),
            "finished_at": round(time.time(), 3),
        },
    )
    manifest.save(folder)
    return manifest
