"""Jobs as Ray tasks: a bounded number in flight, on nodes that have what they need and run the same code."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import ConfigError, OtherCodeError
from curation.runtime.progress import Meter, meter
from curation.runtime.stages import other_code
from curation.runtime.stages.code import code_identity
from curation.runtime.stages.needs import Needs, Nodes, alike, alive_nodes
from curation.runtime.stages.stage import AnyStage, Job, Task
from curation.runtime.store.folder import Folder
from curation.runtime.store.marks import MarkingFolder
from curation.runtime.store.receipts import Result, write_receipt

LOOK_AT_NODES_EVERY_SECONDS = 20.0  # without a finished task: a node may have left
Failed = tuple[AnyStage, Job[Any], BaseException]


def run_jobs(tasks: Sequence[Task], compute: Compute, title: str = "") -> list[Failed]:
    """Run tasks, the longest first, so that none is left alone at the end; returns those that failed.

    Raises:
        OtherCodeError: a node runs other code than this process.
    """
    if not tasks:
        return []
    ray = compute.connect()
    other_code.check_nodes(ray)
    titles = list(dict.fromkeys(stage.title for stage, _, _ in tasks))
    title = title or (titles[0] if len(titles) == 1 else f"{titles[0]} and {len(titles) - 1} more")
    todo = deque(sorted(tasks, key=lambda task: -task[1].cost))
    with meter(title, sum(job.cost + 1 for _, job, _ in todo)) as shown:
        return _drain(ray, todo, compute, shown)


def _drain(ray: Any, todo: deque[Task], compute: Compute, shown: Meter) -> list[Failed]:
    remote = ray.remote(max_retries=3)(work_and_sign)
    alone = ray.remote(max_retries=3, max_calls=1)(work_and_sign)  # in a process that ends with it
    code = other_code.expected()
    shared = {id(s): ray.put(Handed(s.work, s.shared, code)) for s in {id(s): s for s, _, _ in todo}.values()}
    running: dict[Any, tuple[Task, Needs]] = {}
    failed: list[Failed] = []
    nodes = alive_nodes(ray)
    floors = alike((stage.needs(job) for stage, job, _ in todo), nodes)
    for stage, job, _ in {id(task[0]): task for task in todo}.values():
        stage.needs(job).at_most(nodes, stage.title)  # raises before anything runs, if no node is large enough
    while todo or running:
        while todo and len(running) < compute.in_flight:
            stage, job, folders = todo.popleft()
            try:
                needs = stage.needs(job).raised(floors).at_most(nodes, stage.title)
            except ConfigError as error:  # the node has left; the others' work goes on
                failed.append((stage, job, error))
                continue
            asked = {"memory": needs.memory, "num_cpus": needs.cpus, "num_gpus": needs.gpus}
            task = (alone if needs.gpus else remote).options(name=stage.title, **asked)
            running[task.remote(shared[id(stage)], job, folders)] = (stage, job, folders), needs
        if not running:
            break
        done, _ = ray.wait(list(running), num_returns=1, timeout=LOOK_AT_NODES_EVERY_SECONDS)
        if not done:
            nodes = alive_nodes(ray)
            floors = alike((stage.needs(job) for stage, job, _ in todo), nodes)
            todo.extend(_taken_back(ray, running, nodes))
            continue
        ready = done[0]
        (stage, job, _), _ = running.pop(ready)
        if (cause := _failure(ray, ready)) is not None:
            failed.append((stage, job, cause))
        shown.advance(job.cost + 1)
    return failed


def _failure(ray: Any, ready: Any) -> BaseException | None:
    """Why a task failed, if it did.

    Raises:
        OtherCodeError: its node runs other code, and nothing may be written there.
    """
    try:
        ray.get(ready)
    except ray.exceptions.RayTaskError as error:
        cause: BaseException = error.cause if isinstance(error.cause, BaseException) else error
        if isinstance(cause, OtherCodeError):
            raise cause from error
        return cause
    except ray.exceptions.RayError as error:  # the worker died again and again
        died: BaseException = error
        return died
    return None


def _taken_back(ray: Any, running: dict[Any, tuple[Task, Needs]], nodes: Nodes) -> Iterator[Task]:
    """Tasks that wait for a node as large as one that has left, to be submitted anew with smaller needs, or refused."""
    for ref, (task, needs) in list(running.items()):
        if not any(needs.fit(node) for node in nodes):
            ray.cancel(ref)
            del running[ref]
            yield task


@dataclass(frozen=True)
class Handed:
    """The arguments of all tasks of a stage: its work, what its jobs share, and the code that a worker has to run."""

    work: Callable[[Any, Any, Mapping[str, Folder]], dict[str, Result]]
    shared: Any
    code: Mapping[str, str]


def work_and_sign(handed: Handed, job: Job[Any], folders: Mapping[str, Folder]) -> None:
    """One task: the parts first, then the receipts, so that half a job can never be taken for a whole one."""
    other_code.check_here(handed.code, code_identity())
    marking = {name: MarkingFolder(folder.url) for name, folder in folders.items()}
    started = time.monotonic()
    results = handed.work(handed.shared, job.spec, marking)
    seconds = (time.monotonic() - started) / max(1, len(folders))
    for name, folder in marking.items():
        write_receipt(Folder(folder.url), job.key, seconds, results[name], dict(folder.marks))
