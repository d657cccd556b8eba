"""How a kernel is compiled, the types that kernels share, and the one way in which hashes are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Codes = npt.NDArray[np.uint32]
Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[
    np.int32
]  # code points in the joined text, or indices of tokens; a batch is far smaller than 2**31
Positions = npt.NDArray[np.int64]

F = TypeVar("F", bound=Callable[..., Any])

BASE = np.uint64(0x9E3779B97F4A7C15)  # of the polynomial hash of a string: odd, so that no power of it is zero


def compiled(signature: str, inline: bool = False) -> Callable[[F], F]:
    """Machine code for one signature, made once and cached on the disk."""
    how = "always" if inline else "never"
    return cast(Callable[[F], F], numba.njit(signature, cache=True, nogil=True, boundscheck=False, inline=how))


@compiled("uint64(uint64)")
def finish(h: np.uint64) -> np.uint64:
    """Spreads every bit over all bits. Source: splitmix64, https://prng.di.unimi.it/splitmix64.c."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


@compiled("uint64(uint32[::1], int64, int64)")
def polynomial(codes: Codes, start: int, end: int) -> np.uint64:
    """The sum of (code + 1) * BASE ** (how many follow) modulo 2**64, four code points a step.

    So the hash of two strings put together is hash(left) * BASE ** len(right) + hash(right).
    """
    one = np.uint64(1)
    second = BASE * BASE
    third = second * BASE
    fourth = third * BASE
    h = np.uint64(0)
    i = start
    while i + 4 <= end:
        left = (np.uint64(codes[i]) + one) * third + (np.uint64(codes[i + 1]) + one) * second
        right = (np.uint64(codes[i + 2]) + one) * BASE + (np.uint64(codes[i + 3]) + one)
        h = h * fourth + (left + right)
        i += 4
    while i < end:
        h = h * BASE + (np.uint64(codes[i]) + one)
        i += 1
    return h
