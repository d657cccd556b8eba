"""What a transform may promise to keep: the value of a text that is then the same before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from curation.text import movable


def word_counts(text: str) -> Counter[str]:
    return Counter(movable.words(text).parts)


def distinct_words(text: str) -> frozenset[str]:
    return frozenset(movable.words(text).parts)


def distinct_characters(text: str) -> frozenset[str]:
    return frozenset(text)


def sentence_counts(text: str) -> Counter[str]:
    return Counter(movable.sentences(text).parts)


def pattern_of_words(text: str) -> list[int]:
    """For each word the place of its first occurrence: the document's types and tokens without the words themselves."""
    first: dict[str, int] = {}
    return [first.setdefault(word, place) for place, word in enumerate(movable.words(text).parts)]


def characters(text: str) -> int:
    return len(text)


def words(text: str) -> int:
    return len(movable.words(text).parts)


def signs_and_white_space(text: str) -> Sequence[str]:
    return movable.words(text).gaps
