"""Files of the installed Python distributions and of the system, with origins that do not depend on where they lie."""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import os
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import Parser
from functools import cache
from pathlib import Path

OWN = "loam-corpora"  # our own source must not change what our own demonstration measures
SYSTEM_DOCS = ("/usr/share/common-licenses/*", "/usr/share/doc/*/copyright")
_LICENCE = re.compile(r"(?i)(^|/)(licen[cs]e|copying|copyright|notice)[^/]*$")
_NOT_TEXT = (".py", ".pyc", ".so", ".json", ".spdx")


@dataclass(frozen=True)
class File:
    """A file of the environment: `origin` names it without the machine's folders, `content` is its hash."""

    origin: str
    location: str
    bytes: int
    content: str


@cache
def _distributed() -> tuple[tuple[str, File], ...]:
    """(name within its distribution, file) of all files that the distributions' RECORDs list with a hash."""
    folders = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    by_origin: dict[str, tuple[str, File]] = {}
    for distribution in importlib.metadata.distributions(path=folders):  # not sys.path: workers have more on theirs
        name = (distribution.metadata["Name"] or "").lower().replace("_", "-")
        record = distribution.read_text("RECORD")
        if name == OWN or record is None:
            continue
        root = str(distribution.locate_file(""))
        for path, hash_, size in (row for row in csv.reader(record.splitlines()) if len(row) == 3):
            if hash_ and size not in ("", "0") and not path.startswith(".."):
                origin = f"{name}/{path}"
                by_origin.setdefault(origin, (path, File(origin, os.path.join(root, path), int(size), hash_)))
    return tuple(by_origin[origin] for origin in sorted(by_origin))


def modules() -> list[File]:
    """Python modules of the distributions and of the standard library."""
    own = [file for name, file in _distributed() if name.endswith(".py") and os.path.isfile(file.location)]
    return own + list(_standard_library())


def metadata() -> list[File]:
    """The METADATA file of each distribution, which holds its description."""
    return [f for name, f in _distributed() if name.endswith(".dist-info/METADATA") and os.path.isfile(f.location)]


def licences() -> list[File]:
    """Licence files of the distributions, and the system's copyright files."""
    chosen = [f for name, f in _distributed() if _LICENCE.search(name) and not name.endswith(_NOT_TEXT)]
    return [f for f in chosen if os.path.isfile(f.location)] + list(_system_docs())


def description(metadata_text: str) -> str:
    """The long description in a METADATA file. Source: https://packaging.python.org/specifications/core-metadata."""
    message = Parser().parsestr(metadata_text)
    body = message.get_payload()
    return (body if isinstance(body, str) and body.strip() else message.get("Description") or "").strip()


@cache
def _standard_library() -> tuple[File, ...]:
    root = Path(sysconfig.get_path("stdlib"))
    paths = (p for p in root.rglob("*.py") if "site-packages" not in p.parts and "dist-packages" not in p.parts)
    return tuple(_hashed(sorted(paths), "python", root))


@cache
def _system_docs() -> tuple[File, ...]:
    root = Path("/usr/share")
    paths = sorted(path for pattern in SYSTEM_DOCS for path in Path("/").glob(pattern[1:]) if path.is_file())
    return tuple(_hashed(paths, "system", root))


def _hashed(paths: list[Path], origin: str, root: Path) -> Iterator[File]:
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError:
            continue  # a file that this user may not read is not text of this environment
        if data:
            content = hashlib.blake2b(data, digest_size=16).hexdigest()
            yield File(f"{origin}/{path.relative_to(root).as_posix()}", str(path), len(data), content)
