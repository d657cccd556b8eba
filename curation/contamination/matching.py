"""Which documents hold which test questions: overlap of n-grams of letters, or of words where words are spaced.

Both sides are folded to letters and digits in lower case (`curation/text/folding.py`), so that line breaks, spaces and
punctuation do not hide a question. Every n-gram of a query contains a seed; runs of equal letters are grown from seeds, so that
an n-gram in common is always found, and no match rests on its hash alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from curation.contamination.queries import Query
from curation.text.batch import Batch
from curation.text.code_points import classes
from curation.text.folding import folded, letters_table, visible_table
from curation.text.kernels import overlap as kernels
from curation.text.spans import united

Ints = npt.NDArray[np.int64]
SEED_LETTERS = 12  # at most
DENSE = ("hangul", "han", "kana")  # scripts compared by letters: their words are short, joined or not spaced at all


@dataclass(frozen=True)
class Sizes:
    """Which overlaps count as a match.

    Attributes:
        ngram_words: words of an n-gram of a query whose letters are mostly of other scripts than Hangul, Han and Kana.
        ngram_chars: letters of an n-gram of the others.
        least_chars: letters from which a query shorter than an n-gram is looked for inside lines; shorter ones must be a line.
        least_line_chars: visible characters of the shortest query that is looked for as a line.
    """

    ngram_words: int
    ngram_chars: int
    least_chars: int
    least_line_chars: int

    @property
    def seed_chars(self) -> int:
        """No n-gram is shorter: a word has at least one letter."""
        return min(self.ngram_words, self.ngram_chars, self.least_chars, SEED_LETTERS)


@dataclass(frozen=True)
class Overlap:
    """A query in a document.

    Attributes:
        document: its index in the batch.
        query: index into `QueryIndex.queries`.
        share: of the query's n-grams that the document holds.
        whole: the document holds the query in one piece, from its first to its last letter.
        spans: where, in code points of the document.
    """

    document: int
    query: int
    share: float
    whole: bool
    spans: list[tuple[int, int]]


@dataclass(frozen=True)
class _Grams:
    """The n-grams of a query as letter ranges: gram i is [start[i], end[i]); both rise."""

    start: Ints
    end: Ints

    @classmethod
    def of(cls, starts: Ints, ends: Ints, n: int) -> _Grams:
        """From letters or words; a query of less than n is one n-gram by itself."""
        n = min(n, len(starts))
        return cls(starts[: len(starts) - n + 1], ends[n - 1 :])

    @cached_property
    def least(self) -> int:
        """Letters of the shortest one."""
        return int((self.end - self.start).min())

    def within(self, start: int, end: int) -> range:
        """Those that lie in a run of letters."""
        first = int(np.searchsorted(self.start, start))
        return range(first, max(first, int(np.searchsorted(self.end, end, side="right"))))


class QueryIndex:
    """An index of queries, for any number of batches. Of queries of one wording in one place it holds the first."""

    def __init__(self, queries: Iterable[Query], sizes: Sizes) -> None:
        self.sizes = sizes
        self.queries = _distinct(list(queries), sizes)
        self._texts = Batch([query.text for query in self.queries])
        self._units, self._at, self._bounds = _fold(self._texts)
        long = np.diff(self._bounds) >= sizes.least_chars
        self._grams = dict(self._grams_of(np.flatnonzero(long).tolist()))
        self._lines: dict[str, list[int]] = {}  # folded line -> queries
        for number in np.flatnonzero(~long).tolist():
            self._lines.setdefault(folded(self.queries[number].text), []).append(number)
        self._prepare_seeds()
        lines = Batch(list(self._lines))
        self._line_keys = np.unique(_line_keys(lines, lines.bounds[:-1], lines.bounds[1:]))

    def _grams_of(self, numbers: Sequence[int]) -> Iterator[tuple[int, _Grams]]:
        counts = self._texts.class_counts[:, [classes.CODE[script] for script in DENSE]].sum(axis=1)
        dense = 2 * counts >= np.diff(self._bounds)
        words = self._texts.words
        starts = np.searchsorted(self._at, words.start[words.is_word])
        ends = np.searchsorted(self._at, words.end[words.is_word])
        first_word = np.searchsorted(words.document[words.is_word], np.arange(len(self.queries) + 1))
        for number in numbers:
            base, letters = int(self._bounds[number]), int(self._bounds[number + 1] - self._bounds[number])
            if dense[number]:
                each = np.arange(letters)
                yield number, _Grams.of(each, each + 1, self.sizes.ngram_chars)
            else:
                own = slice(first_word[number], first_word[number + 1])
                yield number, _Grams.of(starts[own] - base, ends[own] - base, self.sizes.ngram_words)

    def _prepare_seeds(self) -> None:
        """Of each query the seeds farthest apart that leave one in each of its n-grams."""
        width = self.sizes.seed_chars
        least = np.zeros(len(self.queries), np.int64)
        seeds, owners = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for number, grams in self._grams.items():
            least[number] = grams.least
            places = np.arange(self._bounds[number], self._bounds[number + 1] - width + 1, grams.least - width + 1)
            seeds.append(places)
            owners.append(np.full(len(places), number, np.int64))
        at, owner = np.concatenate(seeds), np.concatenate(owners)
        hashes = kernels.window_hashes(self._units, at, width)
        order = np.argsort(hashes, kind="stable")
        self._seeds = (hashes[order], owner[order], at[order])
        self._least, self._bits = least, kernels.bit_filter(hashes)

    def overlaps(self, batch: Batch) -> Iterator[Overlap]:
        """Every query that shares an n-gram with a document, ordered by document."""
        overlaps = [*self._run_overlaps(batch), *self._line_overlaps(batch)]
        yield from sorted(overlaps, key=lambda overlap: (overlap.document, overlap.query))

    def _run_overlaps(self, batch: Batch) -> Iterator[Overlap]:
        units, at, bounds = _fold(batch)
        rows = kernels.find_runs(
            units, bounds, self.sizes.seed_chars, *self._seeds, self._units, self._bounds, self._least, self._bits
        )
        runs: dict[tuple[int, int], set[tuple[int, int, int]]] = {}
        for document, unit, query, query_unit, length in rows.tolist():
            runs.setdefault((document, query), set()).add((unit, query_unit, length))
        for (document, query), each in runs.items():
            grams, letters = self._grams[query], int(self._bounds[query + 1] - self._bounds[query])
            held_at = [(grams.within(start, start + length), unit - start) for unit, start, length in each]
            shared = united([(held.start, held.stop) for held, _ in held_at])
            if not shared:
                continue  # long enough for some n-gram of the query, but not for one of those that it touches
            base = int(batch.bounds[document])
            ranges = [(shift + int(grams.start[h[0]]), shift + int(grams.end[h[-1]])) for h, shift in held_at if h]
            spans = united([(int(at[first]) - base, int(at[last - 1]) + 1 - base) for first, last in ranges])
            share = sum(end - start for start, end in shared) / len(grams.start)
            yield Overlap(document, query, share, any(length == letters for *_, length in each), spans)

    def _line_overlaps(self, batch: Batch) -> Iterator[Overlap]:
        lines = batch.lines
        spans: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for line in np.flatnonzero(np.isin(_line_keys(batch, lines.start, lines.end), self._line_keys)).tolist():
            document = int(lines.document[line])
            base = int(batch.bounds[document])
            start, end = int(lines.start[line]) - base, int(lines.end[line]) - base
            text = batch.texts[document]
            for query in self._lines.get(folded(text[start:end]), ()):
                spans.setdefault((document, query), []).append((start, min(end + 1, len(text))))
        for (document, query), where in spans.items():
            yield Overlap(document, query, 1.0, True, united(where))


def _distinct(queries: Sequence[Query], sizes: Sizes) -> list[Query]:
    """Without empty overlaps, and without those that another overlap at their place covers."""
    distinct: dict[tuple[str, str, str, str], Query] = {}
    for query in queries:
        text = folded(query.text)
        if len(text) >= sizes.least_line_chars:
            distinct.setdefault((query.task, query.split, query.field, text), query)
    return list(distinct.values())


def _fold(batch: Batch) -> tuple[npt.NDArray[np.uint32], Ints, Ints]:
    return kernels.fold(batch.codes, batch.bounds, letters_table())


def _line_keys(batch: Batch, starts: npt.NDArray[Any], ends: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    starts, ends = starts.astype(np.int64), ends.astype(np.int64)
    return kernels.line_keys(batch.codes, starts, ends, letters_table(), visible_table())
