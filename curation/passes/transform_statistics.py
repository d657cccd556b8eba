"""What a transform changed and what it left: statistics of the documents before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from curation.text import movable
from curation.transforms.base import Document, Shares, Transform

Sums = dict[str, dict[str, float]]


class Statistics:
    """Sums over the documents of one task; tasks' sums add up.

    Args:
        transform: whose own statistics are taken too.
        known: what it gathered.
    """

    def __init__(self, transform: Transform, known: Any) -> None:
        self.transform, self.known = transform, known
        self.sums: Sums = {}

    def see(self, document: Document, text: str) -> None:
        """One document as it came, and its new text."""
        before = self._of(document)
        after = before if text == document.text else self._of(Document(document.id, text))
        for name in before:
            sums = self.sums.setdefault(name, {"before": 0, "of before": 0, "after": 0, "of after": 0})
            for side, (value, of) in (("before", before[name]), ("after", after[name])):
                sums[side] += value
                sums[f"of {side}"] += of

    def _of(self, document: Document) -> Shares:
        words = movable.words(document.text).parts
        return {**common_statistics(document.text, words), **self.transform.measure(document, self.known)}

    @staticmethod
    def shown(sums: Mapping[str, Mapping[str, float]]) -> dict[str, list[float | None]]:
        """Statistic -> its value before and after; None where there was nothing to measure it on."""
        return {
            name: [
                of_one[side] / of_one[f"of {side}"] if of_one[f"of {side}"] else None for side in ("before", "after")
            ]
            for name, of_one in sums.items()
        }


def common_statistics(text: str, words: list[str]) -> dict[str, tuple[float, float]]:
    """Statistics that are taken of every transform.

    `share of pairs said before`: pairs of neighbouring words that occurred in the document before. `same word follows again`: of
    the words that come again, those that are followed by what followed them the last time, which is what an induction head
    predicts.
    """
    seen: set[tuple[str, str]] = set()
    last: dict[str, str] = {}
    again = same = chances = 0
    for i in range(1, len(words)):
        before, word = words[i - 1], words[i]
        again += (before, word) in seen
        seen.add((before, word))
        if before in last:
            chances += 1
            same += last[before] == word
        last[before] = word
    return {
        "words a document": (len(words), 1),
        "different words a document": (len(set(words)), 1),
        "characters a document": (len(text), 1),
        "share of pairs said before": (again, max(len(words) - 1, 0)),
        "same word follows again": (same, chances),
    }
