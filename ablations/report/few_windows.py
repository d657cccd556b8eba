"""Warnings about sources whose held-out text is too short for what is measured on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ablations.statistics.cell_result import CellResult
from curation.dashboard.numbers import listed, plural

LEAST_WINDOWS = 200  # an ICL score of 13 documents had a standard error of 0.46 nats
LEAST_DOCUMENTS = 20  # a standard error over so many is itself known to a sixth
POOLS = frozenset({"", "pooled", "common"})  # of several sources, or of none


def few_windows(cells: Sequence[CellResult]) -> list[str]:
    """One sentence for every source of which a metric got fewer than `LEAST_WINDOWS` windows, with the fewest.

    And one for those whose windows are of fewer than `LEAST_DOCUMENTS` documents, which are what errors are over.
    """
    windows, documents = _fewest(cells, ("windows", "documents")), _fewest(cells, ("documents",))
    told = [sentence for source, known in windows.items() for sentence in _sentences(source, known)]
    return told + [sentence for source, known in documents.items() for sentence in _of_few_documents(source, known)]


def _fewest(cells: Sequence[CellResult], counts: Sequence[str]) -> dict[str, dict[str, int]]:
    """Source -> metric -> the least number in some cell, by the first of these counts that its readings have."""
    fewest: dict[str, dict[str, int]] = {}
    for cell in cells:
        for (source, metric), number in _most(cell, counts):
            known = fewest.setdefault(source, {})
            known[metric] = min(number, known.get(metric, number))
    return fewest


def _most(cell: CellResult, counts: Sequence[str]) -> Iterator[tuple[tuple[str, str], int]]:
    """Of each source and metric of a cell, the largest number that one of its readings rests on; not of those over repeats."""
    most: dict[tuple[str, str], int] = {}
    for reading in cell.readings.values():
        number = next((reading.n[count] for count in counts if count in reading.n), None)
        if number is not None and "repeats" not in reading.n and reading.source not in POOLS:
            key = reading.source, reading.metric
            most[key] = max(number, most.get(key, 0))
    yield from most.items()


def _of_few_documents(source: str, known: dict[str, int]) -> Iterator[str]:
    few = {metric: number for metric, number in known.items() if number < LEAST_DOCUMENTS}
    if few:
        verb = "is" if len(few) == 1 else "are"
        yield (
            f"source {source}: {listed(sorted(few))} {verb} taken on {plural(min(few.values()), 'document')} of held-out text, "
            f"fewer than {LEAST_DOCUMENTS}, so that their standard error says little; hold out more, or give the source more text"
        )


def _sentences(source: str, known: dict[str, int]) -> Iterator[str]:
    few = {metric: windows for metric, windows in known.items() if windows < LEAST_WINDOWS}
    if few:
        on = plural(min(few.values()), "window")
        verb = "rests" if len(few) == 1 else "rest"
        yield (
            f"source {source}: {listed(sorted(few))} {verb} on {on} of held-out text, fewer than {LEAST_WINDOWS}, so one text "
            "counts for much; ask for more with heldout and cells.effort.windows, or give the source more text"
        )
