"""What can happen to a file on a disk, on purpose."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

FLIPS = 600  # of single bits, in each sort of file


def flipped(content: bytes, draw: random.Random) -> bytes:
    """With one bit turned over."""
    changed = bytearray(content)
    changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def flips(content: bytes, seed: str) -> Iterator[bytes]:
    """`FLIPS` contents that differ from `content` in one bit each."""
    draw = random.Random(seed)
    return (flipped(content, draw) for _ in range(FLIPS))


def replace(path: Path, content: bytes) -> None:
    """The same name with other bytes; a file of its own, since others may share the old one."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "gone": Path.unlink,
    "cut": lambda path: replace(path, path.read_bytes()[:-1]),
    "grown": lambda path: replace(path, path.read_bytes() + b"\0"),
    "emptied": lambda path: replace(path, b""),
    "flipped": lambda path: replace(path, flipped(path.read_bytes(), random.Random(path.name))),
}
