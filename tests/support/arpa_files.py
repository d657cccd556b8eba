"""Reads ARPA files, for comparing them n-gram by n-gram."""

from __future__ import annotations

from collections.abc import Iterable


def read_arpa(lines: Iterable[str]) -> dict[tuple[str, ...], tuple[float, float]]:
    """log10 probability and log10 backoff (0 where there is none) by n-gram."""
    found: dict[tuple[str, ...], tuple[float, float]] = {}
    for line in lines:
        parts = line.rstrip("\n").split("\t")
        if len(parts) > 1:
            backoff = float(parts[2]) if len(parts) > 2 else 0.0
            found[tuple(parts[1].split(" "))] = (float(parts[0]), backoff)
    return found
