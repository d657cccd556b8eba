"""What a stage is: jobs, the folders that they fill, and what they need."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from curation.runtime.identity import IDENTITY, fingerprint
from curation.runtime.stages import other_code
from curation.runtime.stages.needs import Needs
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import stage_folder

MEMORY_BASE_BYTES = 350 * 2**20  # interpreter, pyarrow, numba, a language model


Result = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One task's work. `key` names its files and its receipt; `cost` (bytes read) orders and weighs the jobs."""

    key: str
    spec: Mapping[str, Any]
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
        """As it stands in the manifest: what fingerprints hold nowadays comes first, and other code if it was allowed."""
        return {"identity": IDENTITY, **other_code.in_identity(), **self.of}

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
        gpus: GPUs that a job uses. It then only runs on a node that has them free, sees these alone, as cuda:0 and so on, and has a
            process of its own, since CUDA stays with the device that a process took first.
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
    gpus: float = 0.0

    def needs(self, job: Job) -> Needs:
        held = min(job.cost, self.held_bytes)
        return Needs(int(MEMORY_BASE_BYTES + self.memory_per_byte * held), self.cpus, self.gpus)


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
