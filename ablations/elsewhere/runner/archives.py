"""Results as a few files of bounded size: tar archives, in which a file that is too large goes on in the next one."""

from __future__ import annotations

import contextlib
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
    tar, used, archives = None, 0, 0
    with whole_folder(folder) as draft, contextlib.ExitStack() as stack:
        for name, content in _members(files, most_bytes - END_BYTES - MEMBER_BYTES):
            if tar is None or used + len(content) + MEMBER_BYTES > most_bytes:
                stack.close()
                path = draft / f"results-{archives:03}.tar"
                tar = stack.enter_context(tarfile.open(path, "w", format=tarfile.GNU_FORMAT))
                archives, used = archives + 1, END_BYTES
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
            used += len(content) + MEMBER_BYTES
    return sorted(folder.iterdir())


def _members(files: Iterable[tuple[str, str, bytes]], room: int) -> Iterator[tuple[str, bytes]]:
    """Name and content of every member, none larger than `room`."""
    for cell, name, content in files:
        packed = gzip.compress(content, 6, mtime=0) if name.endswith(".json") else content
        whole = f"{cell}/{name}{'.gz' if name.endswith('.json') else ''}"
        starts = range(0, max(1, len(packed)), room)
        for number, start in enumerate(starts):
            yield f"{whole}.{number:04}of{len(starts):04}", packed[start : start + room]


@dataclass
class Sent:
    """One cell's files in archives: name -> part -> (archive, where its bytes begin, how many), and how many parts there are."""

    files: dict[str, dict[int, tuple[Path, int, int]]] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            InputError: a part of it is missing, or an archive is damaged.
        """
        if name not in self.files:
            raise InputError(name, "is in none of the archives", "Bring all of them.")
        places, wanted = self.files[name], self.parts[name]
        if len(places) < wanted:
            raise InputError(name, f"{len(places)} of its {wanted} parts are in the archives", "Bring all of them.")
        try:
            content = b"".join(_bytes(*places[number]) for number in range(wanted))
            return gzip.decompress(content) if name.endswith(".json") else content
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(name, f"damaged ({error})", FIX) from error


def _bytes(archive: Path, start: int, size: int) -> bytes:
    with open(archive, "rb") as file:
        file.seek(start)
        return file.read(size)


def read_archives(paths: Sequence[Path]) -> dict[str, Sent]:
    """Cell -> what the archives hold of it; contents are read when they are asked for.

    Raises:
        InputError: a file is no archive, or was cut off: it is refused as a whole, since which cells are missing is unknown.
    """
    cells: dict[str, Sent] = {}
    for path in paths:
        try:
            with tarfile.open(path, "r:") as tar:
                members = [member for member in tar if member.isfile()]
        except (OSError, tarfile.TarError, EOFError) as error:
            raise InputError(str(path), f"no whole archive of results ({error})", FIX) from error
        for member in members:
            if match := NAME.fullmatch(member.name):
                sent = cells.setdefault(match["cell"], Sent())
                sent.files.setdefault(match["file"], {})[int(match["part"])] = path, member.offset_data, member.size
                sent.parts[match["file"]] = int(match["parts"])
    return cells
