"""Warnings about sources whose held-out text repeats itself too little for what is measured on its repeats."""

from __future__ import annotations

from collections.abc import Sequence

from ablations.report.few_windows import POOLS
from ablations.statistics.cell_result import CellResult
from curation.dashboard.numbers import plural

METRIC, ORDER = "context_gain", "order"
LEAST_REPEATS, LEAST_DOCUMENTS = 2000, 200


def few_repeats(cells: Sequence[CellResult]) -> list[str]:
    """One sentence for every source whose context gain rests on too few repeats, or on those of too few documents, in some cell."""
    fewest: dict[str, tuple[int, int]] = {}
    for cell in cells:
        for reading in cell.readings.values():
            if (reading.metric, reading.reading) == (METRIC, ORDER) and reading.source not in POOLS:
                repeats, documents = reading.n.get("repeats", 0), reading.n.get("documents", 0)
                if repeats < LEAST_REPEATS or documents < LEAST_DOCUMENTS:
                    found = repeats, documents
                    fewest[reading.source] = min(found, fewest.get(reading.source, found))
    return [
        f"source {source}: context_gain rests on {plural(repeats, 'repeat')} in {plural(documents, 'document')} of held-out "
        f"text, and {LEAST_REPEATS:,} in {LEAST_DOCUMENTS} are wanted, so one text counts for much; ask for more with heldout, "
        "cells.effort.windows and cells.effort.repeats, or give the source more text"
        for source, (repeats, documents) in fewest.items()
    ]
