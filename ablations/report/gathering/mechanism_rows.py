"""What the probes of finished cells kept beside their readings: losses by place, scores of heads, predicted onsets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from ablations.statistics.cell_result import CellResult

PLACES = 48  # points of a curve by place: enough for an eye, light enough for a page
_PLACE = ("layer", "head")


def positions(cell: CellResult) -> Iterator[dict[str, Any]]:
    """Loss by place in a document, one row a source; places are joined in groups that grow with the place."""
    curves = _details(cell, "late_minus_early").get("loss_by_token", {})
    for source, losses in curves.items():
        tokens, loss = thinned(losses)
        yield {"arm": cell.arm, "seed": cell.seed, "source": source, "tokens": tokens, "loss": loss}


def thinned(losses: Sequence[float]) -> tuple[list[float], list[float]]:
    """Means over neighbouring places (`losses[0]` is token 1), in groups of even width on a logarithmic axis.

    Returns:
        The middle token of each group, and the group's mean loss.
    """
    edges = sorted({round(len(losses) ** (i / PLACES)) for i in range(PLACES)} | {len(losses) + 1})
    groups = list(pairwise(edges)) if losses else []
    middles = [(start + stop - 1) / 2 for start, stop in groups]
    return middles, [math.fsum(losses[start - 1 : stop - 1]) / (stop - start) for start, stop in groups]


def heads(cell: CellResult) -> Iterator[dict[str, Any]]:
    """Scores of every attention head, if the cell has any."""
    found = _details(cell, "heads").get("heads", [])
    rows = [
        {
            "layer": head["layer"],
            "head": head["head"],
            "scores": {name: value for name, value in head.items() if name not in _PLACE},
        }
        for head in found
    ]
    if rows:
        yield {"arm": cell.arm, "seed": cell.seed, "heads": rows}


def _details(cell: CellResult, metric: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = cell.details.get(metric, {})
    return found


def changes(transforms: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What each transform did to its source, step by step, from the record of the curation."""
    return [
        {
            "source": source,
            "of": record["of"],
            "step": step["pass"],
            "statistic": statistic,
            "before": before,
            "after": after,
        }
        for source, record in transforms.items()
        for step in record["steps"]
        for statistic, (before, after) in step["statistics"].items()
    ]
