"""What followed a word before no longer follows it again. The cue of induction heads: Olsson et al. 2022, https://arxiv.org/abs/2209.11895."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, ClassVar, Literal

from curation.text import movable
from curation.transforms.base import Document, Transform
from curation.transforms.invariants import characters, signs_and_white_space, word_counts


class BreakRepeats(Transform):
    """Words that follow the same word as before in the document change places with each other.

    The first time of a pair of words stays; where a pair comes again its second word changes places, by hash, with the second
    words of other such pairs an even number of words away, so that text which alternates, as keys and values do, goes on
    alternating. Repeats are made as likely as chance, not avoided: a model could learn from their absence too. A word that comes
    again stays a word that comes again, and pieces within words still repeat.
    """

    kind: Literal["break_repeats"] = "break_repeats"
    version: Literal[1] = 1

    keeps: ClassVar = (word_counts, characters, signs_and_white_space)
    examples: ClassVar = {"": "", "no pair comes again": "no pair comes again"}

    def apply(self, document: Document, known: Any) -> str:
        cut = movable.words(document.text)
        places = list(repeated_places(cut.parts))
        moved = list(cut.parts)
        for parity in (0, 1):
            among = [place for place in places if place % 2 == parity]
            order = movable.permutation(len(among), self.seed_of(document, parity)).tolist()
            for place, taken in zip(among, order, strict=True):
                moved[place] = cut.parts[among[taken]]
        return cut.joined(moved)


def repeated_places(words: list[str]) -> Iterator[int]:
    """Places of words that follow the word before them not for the first time."""
    seen: set[tuple[str, str]] = set()
    for place, pair in enumerate(pairwise(words), start=1):
        if pair in seen:
            yield place
        seen.add(pair)
