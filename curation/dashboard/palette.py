"""Colours that people with any colour vision can tell apart (Okabe and Ito 2008, https://jfly.uni-koeln.de/color/)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#9A9A9A"

_LINES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)  # yellow is hard to see on white
_DASHES: tuple[tuple[int, ...], ...] = ((1, 0), (6, 3), (2, 2), (9, 3, 2, 3))


@dataclass(frozen=True)
class Style:
    """How one series is drawn, in every figure of a page."""

    colour: str
    dash: tuple[int, ...] = (1, 0)


def styles(names: Iterable[str]) -> dict[str, Style]:
    """One style a name, in order: seven colours, then the same ones dashed; 28 differ."""
    unique = list(dict.fromkeys(names))
    n = len(_LINES)
    return {name: Style(_LINES[i % n], _DASHES[i // n % len(_DASHES)]) for i, name in enumerate(unique)}
