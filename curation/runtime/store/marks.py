"""Size and hash of a file, which show damage.

The hash is XXH3 of 128 bits (https://xxhash.com): it finds every accident and costs next to nothing, but it is no protection
against an attacker.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import xxhash

from curation.runtime.identity import canonical
from curation.runtime.store.folder import Folder

CHUNK = 4 * 2**20
SEAL = "seal"


class Mark(NamedTuple):
    """A file in a manifest: its length in bytes, and 32 hex digits of the hash of its content."""

    size: int
    hash: str

    @classmethod
    def of_bytes(cls, data: bytes) -> Mark:
        return cls(len(data), xxhash.xxh3_128_hexdigest(data))

    @classmethod
    def of_file(cls, path: str) -> Mark:
        """Of a file on this machine; one that has not changed since is not read again by this process."""
        stat = os.stat(path)
        return _of_file(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)


@lru_cache(maxsize=100_000)
def _of_file(path: str, size: int, _: int, __: int) -> Mark:
    digest, length = xxhash.xxh3_128(), 0
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            length += len(chunk)
    return Mark(length, digest.hexdigest())


Marks = Mapping[str, Mark]


def marks_in(value: Mapping[str, Sequence[Any]]) -> dict[str, Mark]:
    """From JSON."""
    return {name: Mark(int(mark[0]), str(mark[1])) for name, mark in value.items()}


@dataclass(frozen=True)
class MarkingFolder(Folder):
    """A folder that remembers the mark of every file that is written below it, whatever writes it.

    Attributes:
        marks: of all files so far, by their path below the first folder.
        below: path of this folder below the first one.
    """

    marks: dict[str, Mark] = field(default_factory=dict, compare=False, repr=False)
    below: str = field(default="", compare=False)

    def __truediv__(self, name: str) -> MarkingFolder:
        return MarkingFolder(f"{self.url.rstrip('/')}/{name}", self.marks, f"{self.below}{name}/")

    def written(self, name: str, mark: Mark) -> None:
        self.marks[f"{self.below}{name}"] = mark

    def _is_written(self, name: str, path: str) -> None:
        self.written(name, Mark.of_file(path))

    def write(self, name: str, data: bytes) -> None:
        super().write(name, data)
        self.written(name, Mark.of_bytes(data))


def seal(value: Mapping[str, Any]) -> str:
    """Hash of a JSON value without its own seal: shows an accident, not a forger."""
    rest = {key: part for key, part in value.items() if key != SEAL}
    return str(xxhash.xxh3_128_hexdigest(canonical(rest)))


def sealed(value: Mapping[str, Any]) -> dict[str, Any]:
    return {**value, SEAL: seal(value)}


def is_sealed(value: Mapping[str, Any]) -> bool:
    return value.get(SEAL) == seal(value)
