"""Warnings about sources whose held-out text is too short for what is measured on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ablations.statistics.cell_result import CellResult
from curation.dashboard.numbers import listed, plural

LEAST_WINDOWS = 200  # an ICL score of 13 documents had a standard error of 0.46 nats
POOLS = frozenset({"", "pooled", "common"})  # of several sources, or of none


def few_windows(cells: Sequence[CellResult]) -> list[str]:
    """One sentence for every source of which a metric got fewer than `LEAST_WINDOWS` windows, with the fewest."""
    fewest: dict[str, dict[str, int]] = {}
    for cell in cells:
        for (source, metric), windows in _windows(cell):
            known = fewest.setdefault(source, {})
            known[metric] = min(windows, known.get(metric, windows))
    return [sentence for source, known in fewest.items() for sentence in _sentences(source, known)]


def _windows(cell: CellResult) -> Iterator[tuple[tuple[str, str], int]]:
    """Of each source and metric of a cell, the most windows that one of its numbers rests on."""
    most: dict[tuple[str, str], int] = {}
    for reading in cell.readings.values():
        windows = reading.n.get("windows", reading.n.get("documents"))
        if windows is not None and reading.source not in POOLS:
            key = reading.source, reading.metric
            most[key] = max(windows, most.get(key, 0))
    yield from most.items()


def _sentences(source: str, known: dict[str, int]) -> Iterator[str]:
    few = {metric: windows for metric, windows in known.items() if windows < LEAST_WINDOWS}
    if few:
        on = plural(min(few.values()), "window")
        verb = "rests" if len(few) == 1 else "rest"
        yield (
            f"source {source}: {listed(sorted(few))} {verb} on {on} of held-out text, fewer than {LEAST_WINDOWS}, so one text "
            "counts for much; ask for more with heldout and cells.effort.windows, or give the source more text"
        )
