"""The code that packed cells run on: the files of `ablations.core` and of this room, and what of the floors below they import."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]  # holds the packages ablations and curation
PACKAGES = ("ablations", "curation")
ROOMS = (ROOT / "ablations/core", Path(__file__).parent)  # whole: their members are found by registries, not by imports


def sources() -> dict[str, Path]:
    """Path below `ROOT` -> file, sorted: everything that a folder of packed cells needs to run, found by its imports."""
    todo = [path for room in ROOMS for path in room.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    found: dict[str, Path] = {}
    while todo:
        path = todo.pop()
        if (name := path.relative_to(ROOT).as_posix()) not in found:
            found[name] = path
            todo += _packages(path)
            if path.suffix == ".py":
                todo += imported(path.read_text(encoding="utf8"))
    return dict(sorted(found.items()))


def fingerprint() -> str:
    """Of the names and contents of all `sources`: equal where the same code runs."""
    digest = hashlib.sha256()
    for name, path in sources().items():
        digest.update(f"{name}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _packages(path: Path) -> Iterator[Path]:
    """The `__init__.py` of every package that holds a file."""
    for parent in path.parents:
        if parent == ROOT:
            return
        if (parent / "__init__.py").exists():
            yield parent / "__init__.py"


def imported(source: str) -> Iterator[Path]:
    """Files of our packages that a module imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.split(".")[0] in PACKAGES:
                file = ROOT.joinpath(*name.split("."))
                yield from (each for each in (file.with_suffix(".py"), file / "__init__.py") if each.exists())
