"""What is measured of a cell, and how much of it. None of this changes its weights."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from ablations.core.spec.strict import Problem, not_positive


@dataclass(frozen=True)
class EffortSpec:
    """How much is measured: at the end, and at each point of the curve (a hash prefix of the same items)."""

    windows: int = 1024  # of a held-out source
    items: int = 4000  # of a group of a few-shot task
    sequences: int = 256  # of random tokens with a repeat
    repeats: int = 2500  # of tokens in the text of a held-out source
    curve_windows: int = 32
    curve_items: int = 32
    curve_sequences: int = 64
    curve_repeats: int = 100
    batch: int = 32  # sequences scored at once; changes no result beyond rounding

    def problems(self) -> list[Problem]:
        return not_positive(self, *(f.name for f in dataclasses.fields(self)))


@dataclass(frozen=True)
class MeasuringSpec:
    """The contents of a cell's measuring.json. Paths are relative to the cell's folder.

    Attributes:
        seed: of the choice of held-out documents and items, the same for all cells of a study.
        specials: tokens that are never drawn as content; BOS is always one of them.
        numbers, capitals: pieces with a digit in them, and those that begin a word with a capital letter.
        heldout: source -> path stem of its held-out tokens.
        tasks: paths of few-shot items.
        metrics, plugins: names, and paths of files with further ones.
    """

    seed: int
    specials: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()
    capitals: tuple[int, ...] = ()
    heldout: dict[str, str] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    effort: EffortSpec = EffortSpec()

    def problems(self) -> list[Problem]:
        return [] if 0 <= self.seed < 2**63 else [("seed", f"{self.seed} is no 63-bit number", "Give 0 to 2^63 - 1")]
