"""Checks every file of an output folder against its stage's manifest."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from curation.runtime.errors import DamagedError, InputError
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.lock import sole_run
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.parts import check_file
from curation.runtime.store.receipts import RECEIPTS, forget

State = Literal["whole", "damaged", "unknown"]
THREADS = 2 * (os.cpu_count() or 1)  # hashing and reading release the interpreter's lock
PLAIN = frozenset({"runs", "reports", "estimates"})  # folders of files that no stage wrote


@dataclass(frozen=True)
class CheckedFile:
    """One file and its state.

    Attributes:
        path: below the output folder.
        why: the damage, or why the state is unknown.
    """

    path: str
    bytes: int
    state: State
    why: str = ""

    @property
    def stage(self) -> str:
        return self.path.split("/", 1)[0]


def verify(out: Folder) -> list[CheckedFile]:
    """Every file below `out`, sorted by path; those that are gone and those of stages that are not finished too.

    Links are listed and not followed: their targets do not belong to this folder.
    """
    checked = list(_links(out))
    listed: list[Listed] = []
    stages: dict[str, dict[str, int]] = {}
    for path, size in out.sizes().items():
        if path.startswith("."):
            continue
        stage, _, below = path.partition("/")
        name, slash, file = below.partition("/")
        if slash and stage not in PLAIN:
            stages.setdefault(f"{stage}/{name}", {})[file] = size
        else:
            checked.append(_plain(out, path, size))
    for path, sizes in stages.items():
        for each in _stage(out / path, path, sizes):
            (checked if isinstance(each, CheckedFile) else listed).append(each)  # type: ignore[arg-type]
    with ThreadPoolExecutor(THREADS) as pool:
        checked += pool.map(_file, listed)
    return sorted(_linked(out, checked), key=lambda each: each.path)


def forget_damaged(out: Folder, checked: Sequence[CheckedFile]) -> list[str]:
    """Mark damaged files of stages as not done, so that the next run writes them again; returns their paths."""
    paths = [each.path for each in checked if each.state == "damaged" and each.path.count("/") > 1]
    with sole_run(out):
        for path in paths:
            stage, name, file = path.split("/", 2)
            forget(out / stage / name, file)
    return paths


def _links(out: Folder) -> Iterator[CheckedFile]:
    """Links in place of stages, or of folders of stages."""
    for name in out.names():
        paths = [name] if (out / name).is_link else [f"{name}/{each}" for each in (out / name).names()]
        yield from (CheckedFile(path, 0, "unknown", "a link is not followed") for path in paths if (out / path).is_link)


@dataclass(frozen=True)
class Listed:
    """A file that a manifest lists, still to be read."""

    folder: Folder
    path: str
    name: str
    manifest: Manifest
    size: int | None


def _stage(folder: Folder, path: str, sizes: Mapping[str, int]) -> Iterator[CheckedFile | Listed]:
    """The files of one stage's folder."""
    try:
        manifest = Manifest.load(folder) if MANIFEST in sizes else None
    except DamagedError as error:
        yield CheckedFile(f"{path}/{MANIFEST}", sizes[MANIFEST], "damaged", error.found)
        manifest = None
    except InputError as error:
        yield CheckedFile(f"{path}/{MANIFEST}", sizes[MANIFEST], "unknown", error.found)
        manifest = None
    if manifest is None:
        why = "its stage is not finished" if MANIFEST not in sizes else "its stage's manifest cannot be used"
        rest = {name: size for name, size in sizes.items() if name != MANIFEST}
        yield from (CheckedFile(f"{path}/{name}", size, "unknown", why) for name, size in rest.items())
        return
    yield CheckedFile(f"{path}/{MANIFEST}", sizes[MANIFEST], "whole")
    yield from (Listed(folder, f"{path}/{name}", name, manifest, sizes.get(name)) for name in manifest.files)
    others = [name for name in sizes if name not in manifest.files and not _belongs(name)]
    yield from (CheckedFile(f"{path}/{n}", sizes[n], "unknown", "no manifest lists it") for n in others)


def _belongs(name: str) -> bool:
    """Whether a stage writes this file for itself."""
    return name == MANIFEST or name.startswith(f"{RECEIPTS}/")


def _file(each: Listed) -> CheckedFile:
    try:
        if each.size is None:
            raise DamagedError(each.folder.url, each.name, "the file is gone")
        with each.folder.local(each.name) as local:
            check_file(each.folder, each.name, each.manifest.files, local)
    except (DamagedError, OSError) as error:
        why = error.found if isinstance(error, DamagedError) else str(error.strerror)
        return CheckedFile(each.path, each.size or 0, "damaged", why)
    return CheckedFile(each.path, each.size, "whole")


def _linked(out: Folder, checked: Sequence[CheckedFile]) -> list[CheckedFile]:
    """A file under a second name is what it is under the first: cells share their tokens' bytes with the token sets."""
    if not out.is_local:
        return list(checked)
    known = {_number(out, each): each for each in checked if each.state != "unknown" and each.bytes}
    result = []
    for each in checked:
        same = known.get(_number(out, each)) if each.state == "unknown" and each.bytes else None
        result.append(CheckedFile(each.path, each.bytes, same.state, same.why) if same else each)
    return result


def _number(out: Folder, each: CheckedFile) -> tuple[int, int] | None:
    """Device and inode: they identify a file on disk, whatever its name."""
    try:
        stat = os.stat(f"{out.url}/{each.path}")
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino


def _plain(out: Folder, path: str, size: int) -> CheckedFile:
    """A record of a run, a page, or a foreign file: no manifest lists it; a record has to be JSON."""
    if path.split("/")[0] not in PLAIN:
        return CheckedFile(path, size, "unknown", "no manifest lists it")
    if path.endswith(".json"):
        try:
            out.read_json(path)
        except InputError as error:
            return CheckedFile(path, size, "damaged", error.found)
    return CheckedFile(path, size, "unknown", "no manifest lists it; the next run writes it again")
