"""What every command that works in an output folder does first."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import InputError
from curation.runtime.identity import IDENTITY
from curation.runtime.stages import other_code
from curation.runtime.store.folder import Folder
from curation.runtime.store.lock import sole_run
from curation.runtime.store.naming import RUNS, named_run


@contextmanager
def running(out: Folder, name: str, compute: Compute) -> Iterator[None]:
    """Hold `out` for this process, and name what the run `name` works on in `runs/` from the start.

    Raises:
        BusyError: another process works there.
        OtherCodeError: a node that the user named cannot be asked what it runs.
    """
    with sole_run(out), named_run(out, name):
        if other_code.named():
            other_code.check_nodes(compute.connect())
        if is_of_before(out):
            consequence = "its results have identities of an earlier version; what is missing is made anew beside them"
            print(f"{out.url}: {consequence}. `loam gc` lists what is then unused.", file=sys.stderr, flush=True)
        yield


def is_of_before(out: Folder) -> bool:
    """Whether `runs/` holds a run of an earlier version."""
    runs = out / RUNS
    return any(_identity(runs, name) != IDENTITY for name in runs.names() if name.endswith(".json"))


def _identity(runs: Folder, name: str) -> object:
    try:
        return runs.read_json(name).get("identity")
    except InputError:
        return IDENTITY  # damaged: its readers raise
