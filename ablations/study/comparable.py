"""Which measures can be compared between arms that do not share a tokenizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ablations.core.metrics.registry import METRICS
from ablations.statistics.cell_result import CellResult
from curation.dashboard.numbers import listed
from curation.runtime.registry import Plugin


def comparable_sentence(
    tokenizers: Mapping[str, str], cells: Sequence[CellResult], plugins: Sequence[Plugin]
) -> list[str]:
    """One sentence where arms have different tokenizers; none where all have the same.

    Args:
        tokenizers: arm -> what its tokenizer is known by.
        cells: of these arms.
    """
    if len(set(tokenizers.values())) < 2:
        return []
    free = {
        ".".join(part for part in (each.metric, each.reading) if part)
        for cell in cells
        for each in cell.readings.values()
        if METRICS.get(each.metric, plugins).is_tokenizer_free(each.reading) and each.better is not None
    }
    those = f"compare only {listed(sorted(free))} between them" if free else "nothing that was measured compares them"
    return [
        f"{len(set(tokenizers.values()))} tokenizers: losses in nats per token and attention to pieces depend on the "
        f"tokenizer, so of arms with different ones {those}"
    ]
