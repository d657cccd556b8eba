"""Choices by hash: the same on every machine, numpy version and number of workers, and nested by threshold.

Source of the mixer: SplitMix64, Steele et al. 2014, https://doi.org/10.1145/2714064.2660195.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]


def splitmix64(values: Hashes) -> Hashes:
    """Mixes 64 bits so that every bit of the input reaches every bit of the output; a bijection."""
    with np.errstate(over="ignore"):
        z = values + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def key_of(*parts: object) -> int:
    """64 bits of anything that prints itself exactly: text, whole numbers."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "little")


def hash_ids(ids: NDArray[np.uint8], *parts: object) -> Hashes:
    """One hash a document from its 128-bit id, shape (n, 16), and what it is for (a purpose, a seed)."""
    low, high = np.ascontiguousarray(ids).view("<u8").reshape(-1, 2).astype(np.uint64).T
    return splitmix64(low ^ splitmix64(high ^ splitmix64(np.full(len(ids), key_of(*parts), np.uint64))))


def hash_numbers(count: int, *parts: object) -> Hashes:
    """One hash for each of the numbers 0 .. count - 1."""
    return splitmix64(np.arange(count, dtype=np.uint64) ^ splitmix64(np.full(count, key_of(*parts), np.uint64)))
