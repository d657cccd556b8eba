"""Names that mean something in their document alone: other documents no longer help to predict a name, its context does."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from curation.runtime.identity import share
from curation.text import movable
from curation.transforms.base import Document, Shares, Transform
from curation.transforms.invariants import pattern_of_words, signs_and_white_space, words

SAMPLE = 20_000  # documents, by hash, whose names are lent out
RANKS = 16  # names further down a document are lent out together
TRIES = 8  # draws of a name before the old one stays
ANY = -1
Pool = Mapping[tuple[int, str], Sequence[str]]
SCHEMA = pa.schema([("rank", pa.int8()), ("word", pa.large_string()), ("before", pa.large_string())])


@dataclass(frozen=True)
class Names:
    """What is known of the names of a source.

    Attributes:
        common: words of so many documents that they are no names.
        pool: (rank, writing) -> the names to draw from.
        follower: word -> the name that most often follows it, in two documents at least: what a model can learn by heart.
    """

    common: frozenset[str]
    pool: Pool
    follower: Mapping[str, str]


class FreshNames(Transform):
    """Every name of a document is replaced, at all its places, by the name of another document, drawn anew for each document.

    A name is a word that comes twice or more in its document and in few documents of the source. Its stand-in is drawn from names
    that come at the same place among the names of their documents, so that the source's names stay about as frequent as they
    were and stand where such names stand; of the same writing (capitals, digits; in Hangul the last syllable, which carries the
    ending) where there is one.
    """

    kind: Literal["fresh_names"] = "fresh_names"
    version: Literal[1] = 1
    most_documents: float = Field(default=0.1, gt=0, le=1)  # share of documents; words of more are no names

    keeps: ClassVar = (pattern_of_words, words, signs_and_white_space)
    examples: ClassVar = {"": "", "nothing gathered, nothing new": "nothing gathered, nothing new"}
    gathers: ClassVar = True

    def gather(self, documents: Iterable[Document], total: int) -> pa.Table:
        """The common words (rank -1), and the names of a sample of documents with their rank and the word before them."""
        spread: Counter[str] = Counter()
        repeated: list[list[tuple[str, str]]] = []
        for document in documents:
            if share(document.id, f"fresh_names {self.seed}") < SAMPLE / total:
                words = movable.words(document.text).parts
                spread.update(set(words))
                repeated.append(_repeated(words))
        common = sorted(word for word, n in spread.items() if n > self.most_documents * len(repeated))
        rows = [(ANY, word, "") for word in common]
        for of_one in repeated:
            rows += [(min(rank, RANKS - 1), *name) for rank, name in _ranked(of_one, frozenset(common))]
        return pa.table([list(column) for column in zip(*rows, strict=True)] or [[], [], []], schema=SCHEMA)

    def prepared(self, gathered: pa.Table | None) -> Names:
        common: set[str] = set()
        pool: dict[tuple[int, str], list[str]] = defaultdict(list)
        following: dict[str, Counter[str]] = defaultdict(Counter)
        columns = [gathered[name].to_pylist() for name in SCHEMA.names] if gathered is not None else [[], [], []]
        for rank, word, before in zip(*columns, strict=True):
            if rank == ANY:
                common.add(word)
                continue
            following[before][word] += 1
            for writing in writings(word):
                pool[rank, writing].append(word)
                pool[ANY, writing].append(word)
        most = {
            before: min(of_one.items(), key=lambda each: (-each[1], each[0])) for before, of_one in following.items()
        }
        return Names(frozenset(common), pool, {before: word for before, (word, times) in most.items() if times > 1})

    def apply(self, document: Document, known: Names) -> str:
        cut = movable.words(document.text)
        taken = set(cut.parts)
        fresh: dict[str, str] = {}
        for rank, (name, _) in _ranked(_repeated(cut.parts), known.common):
            fresh[name] = self._drawn(document, rank, name, taken, known.pool)
            taken.add(fresh[name])
        return cut.joined([fresh.get(word, word) for word in cut.parts])

    def _drawn(self, document: Document, rank: int, name: str, taken: set[str], pool: Pool) -> str:
        """A name that the document has not; its own when none was found."""
        places = [(at, writing) for writing in writings(name) for at in (min(rank, RANKS - 1), ANY)]
        for try_ in range(TRIES * len(places)):
            candidates = pool.get(places[try_ // TRIES], ())
            if candidates:
                drawn = candidates[self.seed_of(document, rank, try_) % len(candidates)]
                if drawn not in taken:
                    return drawn
        return name

    def measure(self, document: Document, known: Names) -> Shares:
        words = movable.words(document.text).parts
        names = [pair for _, pair in _ranked(_repeated(words), known.common)]
        are_names = {name for name, _ in names}
        return {
            "share of words that are names": (sum(word in are_names for word in words), len(words)),
            "share of names that the word before tells": (
                sum(known.follower.get(b) == name for name, b in names),
                len(names),
            ),
            "characters a word": (sum(map(len, words)), len(words)),
        }


def _repeated(words: Sequence[str]) -> list[tuple[str, str]]:
    """Words that come twice or more, in order of appearance, each with the word before its first place."""
    first: dict[str, str] = {}
    for before, word in pairwise(("", *words)):
        first.setdefault(word, before)
    return [(word, first[word]) for word, times in Counter(words).items() if times > 1]


def _ranked(repeated: Sequence[tuple[str, str]], common: frozenset[str]) -> Iterable[tuple[int, tuple[str, str]]]:
    """Those that are names, numbered."""
    return enumerate(pair for pair in repeated if pair[0] not in common)


def writings(word: str) -> tuple[str, ...]:
    """What a stand-in should look like, the narrower first."""
    if "가" <= word[-1] <= "힣":
        return f"hangul {word[-1]}", "hangul"
    if word.isdigit():
        return (f"{len(word)} digits",)
    if word.isupper():
        return ("capitals",) if len(word) > 1 else ("a capital",)
    return ("capitalised",) if word[0].isupper() else ("small letters",)
