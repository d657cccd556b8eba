"""Cuts and replacements applied to a text. Positions are code points of the text as it came into the pass."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence


def united(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted spans that neither touch nor overlap and cover the same code points; empty ones vanish."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def apply(text: str, cuts: Sequence[tuple[int, int]], replacements: Sequence[tuple[int, int, str]]) -> str:
    """The text without `cuts` and with `replacements` made in what is left.

    Cuts are united. A replacement whose span a cut touches is made for the part that is left, once; of replacements that
    overlap, the one that starts first wins, of those that start together the longer.
    """
    removed = united(cuts)
    edits = [(start, end, "") for start, end in removed] + _left_over(removed, _first_ones(replacements))
    pieces: list[str] = []
    at = 0
    for start, end, new in sorted(edits):  # disjoint by now, so one walk over the text is enough
        pieces += (text[at:start], new)
        at = end
    return "".join((*pieces, text[at:]))


def replaced_spans(
    cuts: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int, str]]
) -> list[tuple[int, int, str]]:
    """Those of the spans that `apply` would really replace: not covered by another span, not wholly cut."""
    removed = united(cuts)
    return [span for span in _first_ones(spans) if _left_over(removed, [span])]


def _first_ones(replacements: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    kept: list[tuple[int, int, str]] = []
    for start, end, new in sorted(replacements, key=lambda r: (r[0], -r[1], r[2])):
        if start < end and (not kept or start >= kept[-1][1]):
            kept.append((start, end, new))
    return kept


def _left_over(
    cuts: Sequence[tuple[int, int]], replacements: Sequence[tuple[int, int, str]]
) -> list[tuple[int, int, str]]:
    """Each replacement's span less the cuts: its first remaining piece gets the new text, later pieces vanish."""
    ends = [end for _, end in cuts]
    result: list[tuple[int, int, str]] = []
    for start, end, new in replacements:
        pieces = []
        at = start
        for cut_start, cut_end in cuts[bisect_right(ends, start) :]:
            if cut_start >= end:
                break
            if cut_start > at:
                pieces.append((at, cut_start))
            at = max(at, cut_end)
        if at < end:
            pieces.append((at, end))
        result += [(piece[0], piece[1], new if i == 0 else "") for i, piece in enumerate(pieces)]
    return result


def chars_left(length: int, cuts: Sequence[tuple[int, int]]) -> int:
    """Code points that remain of a text of `length` after the cuts."""
    return length - sum(end - start for start, end in united(cuts))
