"""Names the folders of a run in `runs/` from its start, so that `loam gc` keeps those that a killed run will continue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from curation.runtime.identity import IDENTITY
from curation.runtime.store.folder import Folder

RUNS = "runs"
STARTED = ".started.json"
_current: list[_Started] = []


class _Started:
    """The folders that a run has touched so far."""

    def __init__(self, out: Folder, name: str) -> None:
        self.out, self.file = out, f"{name}{STARTED}"
        runs = out / RUNS
        before = runs.read_json(self.file) if runs.exists(self.file) else {}
        self.folders: dict[str, None] = dict.fromkeys(before.get("folders", ()))

    def add(self, folders: Iterable[Folder]) -> None:
        paths = [self.out.relative(folder) for folder in folders]
        if new := [path for path in paths if path not in self.folders]:
            self.folders |= dict.fromkeys(new)
            value = {"kind": "started", "identity": IDENTITY, "folders": list(self.folders)}
            (self.out / RUNS).write_json(self.file, value)

    def end(self) -> None:
        (self.out / RUNS).remove_file(self.file)


@contextmanager
def named_run(out: Folder, name: str) -> Iterator[None]:
    """Name every stage's folder in `runs/<name>.started.json` before its first job; gone when the run ends well.

    By then the run's own record names them.
    """
    started = _Started(out, name)
    _current.append(started)
    try:
        yield
        started.end()
    finally:
        _current.remove(started)


def name_folders(folders: Iterable[Folder]) -> None:
    """Called before the jobs of a stage; does nothing outside of a named run."""
    if _current:
        _current[-1].add(folders)
