"""Removes results that no run's record names. Old results stay until then, so that going back costs nothing.

Links are not followed: the target of one may belong to another output folder, and is neither measured nor removed. The link
itself stays too and is listed, since somebody made it for a reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from curation.runtime.store.folder import Folder

RUNS = "runs"
KEPT_FOLDERS = frozenset({RUNS, "reports", "estimates"})


@dataclass(frozen=True)
class Unused:
    """A stage's folder that no record names, and its size."""

    path: str
    bytes: int


@dataclass(frozen=True)
class Tidied:
    """Folders that no record names, whether they were removed, and links that no record names, which stay."""

    unused: Sequence[Unused]
    links: Sequence[str]
    removed: bool


def tidy(out: Folder, remove: bool) -> Tidied:
    """Find what is unused under `out`, and remove it if that is asked for."""
    listed = Tidied(unused(out), links(out), remove)
    for each in listed.unused if remove else ():
        (out / each.path).remove()
    return listed


def unused(out: Folder) -> list[Unused]:
    """Stage folders under `out` that no record in `runs/` names, largest first."""
    unused_folders = [Unused(path, (out / path).bytes_used()) for path in _unnamed(out) if not (out / path).is_link]
    return sorted(unused_folders, key=lambda each: (-each.bytes, each.path))


def links(out: Folder) -> list[str]:
    """Links in place of stage folders, or of folders of them, that no record names: they stay."""
    return [path for path in _unnamed(out) if (out / path).is_link]


def _unnamed(out: Folder) -> Iterator[str]:
    used = set(_strings([(out / RUNS).read_json(name) for name in (out / RUNS).names() if name.endswith(".json")]))
    for stage in out.names():
        if stage in KEPT_FOLDERS or stage.startswith("."):
            continue
        if (out / stage).is_link:
            yield stage
            continue
        for name in (out / stage).names():
            path = f"{stage}/{name}"
            if path not in used and _is_stage_folder(name):
                yield path


def _is_stage_folder(name: str) -> bool:
    """`<name>-<12 hex>`: everything else in the folder is not ours to remove."""
    digits = name.rpartition("-")[2]
    return len(digits) == 12 and all(digit in "0123456789abcdef" for digit in digits)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, str):
        yield value
