"""Whether two processes run the same code: a digest of our own, and versions of the libraries that change bytes.

A fingerprint names rules by their versions; that it means the same bytes everywhere holds only where the code is the same.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path

PACKAGES = ("curation", "tokenizer", "ablations")
LIBRARIES = {
    "fastText": "fasttext-numpy2-wheel",
    "KenLM": "kenlm",
    "SentencePiece": "sentencepiece",
    "re2": "google-re2",
    "numba": "numba",
    "numpy": "numpy",
    "pyarrow": "pyarrow",
    "torch": "torch",
}
OURS = "loam"
ABSENT = "not installed"


@cache
def code_identity() -> Mapping[str, str]:
    """What this process runs: package -> digest or version; the same wherever the same files are installed."""
    return {OURS: _digest(), **{name: _version(name, package) for name, package in LIBRARIES.items()}}


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """What differs, in words; empty where both run the same."""
    names = [name for name in here if here[name] != there.get(name)]
    return [f"{name} {there.get(name, ABSENT)} instead of {here[name]}" for name in names]


def _digest() -> str:
    """Of all our files by their place below the package: 12 digits."""
    digest = hashlib.blake2b(digest_size=6)
    for package in PACKAGES:
        for path in _files(package):
            digest.update(f"{package}/{path[0]}\n".encode())
            digest.update(hashlib.blake2b(path[1].read_bytes(), digest_size=16).digest())
    return digest.hexdigest()


def _files(package: str) -> list[tuple[str, Path]]:
    spec = importlib.util.find_spec(package)
    roots = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    files = [(path.relative_to(root).as_posix(), path) for root in roots for path in root.rglob("*") if path.is_file()]
    return sorted((name, path) for name, path in files if "__pycache__" not in name and not name.startswith("configs/"))


def _version(name: str, package: str) -> str:
    for candidate in (package, name.lower()):
        try:
            return importlib.metadata.version(candidate)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ABSENT
