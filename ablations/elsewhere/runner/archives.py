"""Results as a few files of bounded size: tar archives, in which a file that is too large goes on in the next one."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from curation.runtime.errors import InputError
from curation.runtime.whole_files import whole_folder

MEMBER_BYTES = 2048  # of an archive for each member, beside its content: headers and padding
END_BYTES = tarfile.RECORDSIZE + 1024
NAME = re.compile(r"(?P<cell>[^/]+)/(?P<file>(?:[\w-]+/)?[\w.-]+?)(?P<gz>\.gz)?\.(?P<part>\d{4})of(?P<parts>\d{4})")
FIX = "Bring it here again."


def write_archives(folder: Path, files: Iterable[tuple[str, str, bytes]], most_bytes: int) -> list[Path]:
    """`results-000.tar` and further ones in `folder`, none larger than `most_bytes`; what lay there before is gone.

    Args:
        files: (cell, name, content), in the order in which they fill the archives; JSON is compressed.
    """
    with whole_folder(folder) as draft:
        volumes = _Volumes(draft, most_bytes)
        for cell, name, content in files:
            packed = gzip.compress(content, 6, mtime=0) if name.endswith(".json") else content
            volumes.add(f"{cell}/{name}{'.gz' if name.endswith('.json') else ''}", packed)
        volumes.close()
    return sorted(folder.iterdir())


class _Volumes:
    """Archives that are filled one after the other."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder, self.most = folder, most_bytes
        self.tar: tarfile.TarFile | None = None
        self.number = self.used = 0

    def add(self, name: str, content: bytes) -> None:
        room = self.most - END_BYTES - MEMBER_BYTES
        parts = [content[start : start + room] for start in range(0, len(content), room)] or [b""]
        for number, part in enumerate(parts):
            self._add(f"{name}.{number:04}of{len(parts):04}", part)

    def _add(self, name: str, content: bytes) -> None:
        needed = len(content) + MEMBER_BYTES
        if self.tar is None or self.used + needed > self.most:
            self.close()
            path = self.folder / f"results-{self.number:03}.tar"
            self.tar = tarfile.open(path, "w", format=tarfile.GNU_FORMAT)  # noqa: SIM115 - closed by the next one, or close()
            self.number, self.used = self.number + 1, END_BYTES
        member = tarfile.TarInfo(name)
        member.size = len(content)
        self.tar.addfile(member, io.BytesIO(content))
        self.used += needed

    def close(self) -> None:
        if self.tar is not None:
            self.tar.close()


@dataclass
class Sent:
    """One cell's files in archives: name -> part -> (archive, member)."""

    files: dict[str, dict[int, tuple[Path, str]]] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            InputError: a part of it is missing, or an archive is damaged.
        """
        if name not in self.files:
            raise InputError(name, "is in none of the archives", "Bring all of them.")
        found, wanted = self.files[name], self.parts[name]
        if len(found) < wanted:
            raise InputError(name, f"{len(found)} of its {wanted} parts are in the archives", "Bring all of them.")
        content = b"".join(_member(*found[number]) for number in range(wanted))
        if not name.endswith(".json"):
            return content
        try:
            return gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(name, f"damaged ({error})", FIX) from error


def read_archives(paths: Sequence[Path]) -> dict[str, Sent]:
    """Cell -> what the archives hold of it; contents are read when they are asked for.

    Raises:
        InputError: a file is no archive, or was cut off.
    """
    found: dict[str, Sent] = {}
    for path in paths:
        for member in _names(path):
            if match := NAME.fullmatch(member):
                sent = found.setdefault(match["cell"], Sent())
                sent.files.setdefault(match["file"], {})[int(match["part"])] = path, member
                sent.parts[match["file"]] = int(match["parts"])
    return found


def _names(path: Path) -> Iterator[str]:
    """Names of an archive's files. One that was cut off is refused whole: nobody knows which cells are missing."""
    try:
        with tarfile.open(path, "r:") as tar:
            yield from (member.name for member in tar if member.isfile())
    except (OSError, tarfile.TarError, EOFError) as error:
        raise InputError(str(path), f"no whole archive of results ({error})", FIX) from error


def _member(path: Path, name: str) -> bytes:
    try:
        with tarfile.open(path, "r:") as tar:
            file = tar.extractfile(name)
            assert file
            return file.read()
    except (OSError, tarfile.TarError, EOFError, KeyError) as error:
        raise InputError(f"{path}, {name}", f"cannot be read ({error})", FIX) from error
