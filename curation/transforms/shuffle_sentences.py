"""The order of sentences, and with it everything that reaches further than a sentence."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from curation.text import movable
from curation.transforms.base import Document, Shares, Transform
from curation.transforms.invariants import characters, sentence_counts, word_counts


class ShuffleSentences(Transform):
    """The sentences of a document change places by hash.

    A sentence ends at its mark or with its line. Those without a mark (headings, lines of code) change places among themselves,
    for only the end of a line can end them.
    """

    kind: Literal["shuffle_sentences"] = "shuffle_sentences"
    version: Literal[1] = 1

    keeps: ClassVar = (sentence_counts, word_counts, characters)
    examples: ClassVar = {"": "", "One sentence.": "One sentence."}

    def apply(self, document: Document, known: Any) -> str:
        cut = movable.sentences(document.text)
        sorts = [movable.sentence_sort(sentence) for sentence in cut.parts]
        moved = list(cut.parts)
        for sort in ("wide", "ended", "line"):
            among = [place for place, each in enumerate(sorts) if each == sort]
            order = movable.permutation(len(among), self.seed_of(document, sort)).tolist()
            for place, taken in zip(among, order, strict=True):
                moved[place] = cut.parts[among[taken]]
        return cut.joined(moved)

    def measure(self, document: Document, known: Any) -> Shares:
        """Words that a sentence shares with the one before it, which depends on the order of sentences."""
        words = [movable.words(sentence).parts for sentence in movable.sentences(document.text).parts]
        before: list[set[str]] = [set(), *map(set, words)]
        shared = sum(word in known_words for known_words, of_one in zip(before, words, strict=False) for word in of_one)
        return {"share of words that stood in the sentence before": (shared, sum(map(len, words)))}
