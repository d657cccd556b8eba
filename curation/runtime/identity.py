"""The identity of a result: a fingerprint of everything that changes its bytes, and hashes that serve as randomness."""

from __future__ import annotations

import hashlib
import json
from typing import Any

IDENTITY = 2  # raise it when the meaning of fingerprints changes: older results are then never reused


def canonical(what: Any) -> bytes:
    """One byte string for one JSON value, whatever the order of its keys."""
    return json.dumps(what, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def fingerprint(what: Any) -> str:
    """64 hex digits. Folders show the first 12; manifests keep all of them, and a clash is an error."""
    return hashlib.sha256(canonical(what)).hexdigest()


def short(print_: str) -> str:
    return print_[:12]


def document_id(source: str, path: str, offset: int) -> bytes:
    """128 bits that name a document: the same row of the same file has the same id in every run, on every machine.

    Args:
        source: name of the source in the recipe.
        path: of the file, relative to the root of the source.
        offset: byte offset of the line after decompression, or the row's number.
    """
    key = f"{source}\x00{path}\x00{offset}".encode("utf8", "surrogatepass")
    return hashlib.blake2b(key, digest_size=16).digest()


def seed(*parts: str | int) -> int:
    """A 63-bit seed for a purpose named by `parts`: randomness never comes from a clock or a counter."""
    key = "\x00".join(str(part) for part in parts).encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little") >> 1


def share(id_: bytes, purpose: str) -> float:
    """A number in [0, 1) for an id: `share(id, "heldout") < 0.05` takes one document in twenty, always the same ones."""
    digest = hashlib.blake2b(purpose.encode() + b"\x00" + id_, digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> 11) * 2.0**-53
