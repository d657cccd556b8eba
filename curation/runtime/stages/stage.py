"""What a stage is: jobs, the folders that they fill, and what they need."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from curation.runtime.identity import IDENTITY, fingerprint
from curation.runtime.stages import other_code
from curation.runtime.stages.needs import Needs
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import stage_folder
from curation.runtime.store.receipts import Result

MEMORY_BASE_BYTES = 350 * 2**20  # interpreter, pyarrow, numba, a language model

Shared = TypeVar("Shared")
Spec = TypeVar("Spec")


@dataclass(frozen=True)
class Job(Generic[Spec]):
    """One task's work. `key` names its files and its receipt; `cost` (bytes read) orders and weighs the jobs."""

    key: str
    spec: Spec
    cost: int


@dataclass(frozen=True)
class Output:
    """One folder that a stage fills. Most stages have one; annotating fills one for each annotator in one walk.

    Args:
        of: everything that changes the bytes that are written.
    """

    stage: str
    name: str
    of: Mapping[str, Any]

    @cached_property
    def what(self) -> dict[str, Any]:
        """As the manifest holds it: the version of fingerprints comes first, and other code if it was allowed."""
        return {"identity": IDENTITY, **other_code.in_identity(), **self.of}

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.what)

    def folder(self, out: Folder) -> Folder:
        return stage_folder(out, self.stage, self.name, self.what)


@dataclass(frozen=True)
class Stage(Generic[Shared, Spec]):
    """A stage to run. What all its jobs share, and what one job has, are frozen dataclasses beside its job function.

    Both travel to a worker by pickle, which imports their modules there. So they hold no member of a registry (a source, an
    annotator, a transform): its class may be a plugin's, which a worker lacks until it has run the plugin. They hold the settings
    of the member, and the plugins.

    Args:
        title: shown beside the progress bar.
        outputs: the folders to fill, by a short name.
        jobs: what there is to do, in the order of the parts.
        work: a module-level function `(shared, spec, folders) -> {output: result}`. It writes its parts into `folders`, which
            holds only the outputs that still lack this job.
        shared: given to every job.
        summarise: makes the manifest's counts of one output from the results of all its jobs; may raise to refuse them.
        memory_per_byte: memory that a job needs for each byte of its cost, for Ray's scheduler.
        memory_bytes: memory that a job needs whatever its cost is, besides that of any worker.
        held_bytes: of its cost a job holds at most these; the rest streams past.
        cpus: cores that a job uses.
        gpus: GPUs that a job uses. It then only runs on a node that has them free, sees these alone, as cuda:0 and so on, and has a
            process of its own, since CUDA stays with the device that a process took first.
    """

    title: str
    outputs: Mapping[str, Output]
    jobs: Sequence[Job[Spec]]
    work: Callable[[Shared, Spec, Mapping[str, Folder]], dict[str, Result]]
    shared: Shared
    summarise: Callable[[str, Sequence[Result]], dict[str, Any]] = lambda _, results: total(results)
    memory_per_byte: float = 10.0
    memory_bytes: float = 0.0
    held_bytes: float = math.inf
    cpus: int = 1
    gpus: float = 0.0

    def needs(self, job: Job[Spec]) -> Needs:
        held = min(job.cost, self.held_bytes)
        memory = MEMORY_BASE_BYTES + self.memory_bytes + self.memory_per_byte * held
        return Needs(int(memory), self.cpus, self.gpus)


def total(results: Sequence[Result]) -> dict[str, Any]:
    """The sum of the results' counts; mappings are summed key by key."""
    result: dict[str, Any] = {}
    for each in results:
        result = _plus(result, each.counts)
    return result


def _plus(left: dict[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(left)
    for key, value in right.items():
        if isinstance(value, Mapping):
            both[key] = _plus(both.get(key, {}), value)
        else:
            both[key] = both.get(key, 0) + value
    return dict(sorted(both.items()))


AnyStage = Stage[Any, Any]
Task = tuple[AnyStage, Job[Any], dict[str, Folder]]
