"""Interpolated modified Kneser-Ney estimation, as KenLM's lmplz does it, in numpy: for machines without lmplz.

Source: Chen & Goodman 1998, "An empirical study of smoothing techniques for language modeling", and Heafield et al. 2013,
https://kheafield.com/papers/edinburgh/estimate_paper.pdf. Where lmplz differs from them, so do we: <unk> and </s> are in the
vocabulary of the uniform distribution and <s> is not; n-grams that begin with <s> keep their own counts; and the last n-gram of
each order, in suffix order, enters the discounts with its own count instead of the adjusted one. No pruning.

Nothing is hashed: an n-gram is its context (number of an (n-1)-gram) and its last word, in one 64-bit integer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]  # of n-grams and words: there are many, so they are kept small
Floats = npt.NDArray[np.float64]
SmallFloats = npt.NDArray[np.float32]
UNKNOWN, BOS, EOS = 0, 1, 2
SPECIAL = ("<unk>", "<s>", "</s>")
NOTHING = 1e-99  # the least probability that is written
FALLBACK = (0.0, 0.5, 1.0, 1.5)  # lmplz --discount_fallback


@dataclass(frozen=True)
class Corpus:
    """Sentences one after the other, each from <s> to </s>.

    Attributes:
        vocabulary: words by number, in the order of their first occurrence.
        words: their numbers, shape (tokens,).
        depth: how far each token is from its <s>, shape (tokens,).
    """

    vocabulary: Sequence[str]
    words: Ints
    depth: Ints

    @classmethod
    def of(cls, lines: Iterable[str]) -> Corpus:
        """From sentences of words with single spaces between them; <unk>, <s> and </s> in them are left out."""
        numbers = {word: number for number, word in enumerate(SPECIAL)}
        sentences: list[npt.NDArray[np.int32]] = []
        for line in lines:
            numbered = [numbers.setdefault(word, len(numbers)) for word in line.split(" ") if word]
            sentences.append(np.array([BOS, *(n for n in numbered if n > EOS), EOS], np.int32))
        lengths = np.array([len(sentence) for sentence in sentences], np.int64)
        words = np.concatenate(sentences).astype(np.int64) if sentences else np.zeros(0, np.int64)
        starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
        return cls(list(numbers), words, np.arange(words.size) - starts)


@dataclass
class Grams:
    """The distinct n-grams of one order. The lower order's number of an n-gram's first n-1 words is its context, of its last n-1
    its suffix; both are empty for unigrams.

    Attributes:
        word: the last word of each.
        begins: whether it begins with <s>.
        actual, adjusted: its occurrences; and the distinct words seen before it, which Kneser-Ney counts instead.
        probability: interpolated.
        backoff: weight of the lower order after it; 1 where nothing follows it.
    """

    word: Numbers
    context: Numbers
    suffix: Numbers
    begins: npt.NDArray[np.bool_]
    actual: Numbers
    adjusted: Numbers
    probability: SmallFloats
    backoff: SmallFloats

    @classmethod
    def counted(cls, word: Ints, context: Ints, suffix: Ints, begins: npt.NDArray[np.bool_], actual: Ints) -> Grams:
        small = actual.astype(np.int32)
        ones = np.ones(len(word), np.float32)
        numbers = [values.astype(np.int32) for values in (word, context, suffix)]
        return cls(numbers[0], numbers[1], numbers[2], begins, small, small.copy(), ones, ones.copy())


@dataclass(frozen=True)
class NgramModel:
    """An estimated model: its n-grams by order, and the discounts (D1, D2, D3+) of each order."""

    vocabulary: Sequence[str]
    grams: Sequence[Grams]
    discounts: Sequence[tuple[float, ...]]


def estimate(corpus: Corpus, order: int) -> NgramModel:
    """A model of `order` words.

    Raises:
        ValueError: no sentence is long enough to hold an n-gram of this order.
    """
    grams = count(corpus, order)
    _adjust(grams)
    last = _last_in_suffix_order(grams)
    discounts = [_discounts(g, last[n] if n < len(last) else None) for n, g in enumerate(grams)]
    unigrams = grams[0]
    uniform = 1.0 / (len(corpus.vocabulary) - 1)
    fresh, weight = _discounted(unigrams, discounts[0], 1)
    unigrams.probability = (fresh + weight[0] * uniform).astype(np.float32)
    unigrams.probability[BOS] = 1.0
    for lower, higher, discount in zip(grams, grams[1:], discounts[1:], strict=False):
        fresh, weight = _discounted(higher, discount, len(lower.word))
        interpolated = fresh + weight[higher.context] * lower.probability[higher.suffix]
        higher.probability = interpolated.astype(np.float32)
        follows = np.bincount(higher.context, minlength=len(lower.word)) > 0
        lower.backoff = np.where(follows, weight, 1.0).astype(np.float32)
    return NgramModel(corpus.vocabulary, grams, [tuple(float(d) for d in discount[1:]) for discount in discounts])


def count(corpus: Corpus, order: int) -> list[Grams]:
    """The distinct n-grams of orders 1 to `order` with their occurrences."""
    size = len(corpus.vocabulary)
    none = np.zeros(size, np.int64)
    numbers = np.arange(size)
    grams = [Grams.counted(numbers, none, none, numbers == BOS, np.bincount(corpus.words, minlength=size))]
    ids = corpus.words  # of the n-gram that ends at each token
    for n in range(2, order + 1):
        at = np.flatnonzero(corpus.depth >= n - 1)
        if not at.size:
            raise ValueError(f"no sentence holds {n} words")
        key = ids[at - 1] * size + corpus.words[at]
        keys, first, inverse, actual = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
        context, word = np.divmod(keys, size)
        grams.append(Grams.counted(word, context, ids[at[first]], corpus.depth[at[first]] == n - 1, actual))
        ids = np.full(len(corpus.words), -1)
        ids[at] = inverse
    return grams


def _adjust(grams: Sequence[Grams]) -> None:
    for lower, higher in pairwise(grams):
        before = np.bincount(higher.suffix, minlength=len(lower.word))
        lower.adjusted = np.where(lower.begins, lower.actual, before).astype(np.int32)
    grams[0].adjusted[BOS] = 0


def _last_in_suffix_order(grams: Sequence[Grams]) -> list[int]:
    """By order, below the highest: the n-gram whose last word is greatest, then the one before it, and so on."""
    last = [int(np.flatnonzero(grams[0].adjusted)[-1])]
    while len(last) < len(grams) - 1 and not grams[len(last) - 1].begins[last[-1]]:
        longer = np.flatnonzero(grams[len(last)].suffix == last[-1])
        first: npt.NDArray[np.integer[Any]] = longer
        for g in reversed(grams[1 : len(last) + 1]):
            first = g.context[first]
        last.append(int(longer[np.argmax(first)]))
    return last


def _discounts(grams: Grams, last: int | None) -> npt.NDArray[np.float32]:
    """What is taken off counts of 0, 1, 2 and 3 or more; equation 26 of Chen and Goodman, in lmplz's single precision."""
    n = np.bincount(np.minimum(grams.adjusted, 5), minlength=6)
    if last is not None:
        n[min(grams.adjusted[last], 5)] -= 1
        n[min(grams.actual[last], 5)] += 1
    fallback = np.array(FALLBACK, np.float32)
    if not n[1:4].all():
        return fallback
    n32 = n.astype(np.float32)
    y = n32[1] / np.float32(n[1] + 2.0 * n[2])
    j = np.arange(1, 4, dtype=np.float32)
    amounts = j - (j + 1) * y * n32[2:5] / n32[1:4]
    if (amounts < 0).any() or (amounts > j).any():
        return fallback
    return np.concatenate([np.zeros(1, np.float32), amounts])


def _discounted(grams: Grams, discount: npt.NDArray[np.float32], contexts: int) -> tuple[Floats, Floats]:
    """Each n-gram's own probability, and each context's weight for the lower order."""
    off = discount.astype(np.float64)[np.minimum(grams.adjusted, 3)]
    total = np.maximum(np.bincount(grams.context, weights=grams.adjusted, minlength=contexts), 1.0)
    weight = np.bincount(grams.context, weights=off, minlength=contexts) / total
    return (grams.adjusted - off) / total[grams.context], weight


def arpa(model: NgramModel) -> Iterator[str]:
    """The model as the text of an ARPA file, piece by piece."""
    yield "\\data\\\n"
    yield from (f"ngram {n}={len(grams.word)}\n" for n, grams in enumerate(model.grams, 1))
    for n in range(1, len(model.grams) + 1):
        yield f"\n\\{n}-grams:\n"
        yield from _section(model, n)
    yield "\n\\end\\\n"


def _section(model: NgramModel, n: int, rows: int = 100_000) -> Iterator[str]:
    grams = model.grams[n - 1]
    line = "%.7g\t" + " ".join(["%s"] * n) + ("\n" if n == len(model.grams) else "\t%.7g\n")
    for start in range(0, len(grams.word), rows):
        part = np.arange(start, min(start + rows, len(grams.word)))
        columns: list[Sequence[object]] = [_log10(grams.probability[part])]
        columns += [[model.vocabulary[w] for w in column.tolist()] for column in _words(model.grams[:n], part)]
        if n < len(model.grams):
            columns.append(_log10(grams.backoff[part]))
        yield "".join(line % row for row in zip(*columns, strict=True))


def _log10(values: SmallFloats) -> list[float]:
    """Logarithms as ARPA files hold them, where the least is that of nothing."""
    logs: list[float] = np.minimum(np.log10(np.maximum(values.astype(np.float64), NOTHING)), 0.0).tolist()
    return logs


def _words(grams: Sequence[Grams], which: npt.NDArray[np.integer[Any]]) -> list[Numbers]:
    """The words of some n-grams, first word first."""
    columns: list[Numbers] = []
    at: npt.NDArray[np.integer[Any]] = which
    for g in reversed(grams):
        columns.append(g.word[at])
        at = g.context[at]
    return columns[::-1]
