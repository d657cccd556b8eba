"""Questions whose scores mean less than they say, counted before any model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.prompts.joining import Encoder
from ablations.prompts.tasks.questions import Question

NGRAM = 5  # characters
NEAR = 0.7  # Jaccard similarity of their sets from which one text is a near copy of another
BLOCK = 256  # queries compared at a time, to bound memory


def with_equal_choices(asked: Sequence[Question]) -> int:
    """How many offer one choice twice: no model can tell which of the two is the right one."""
    choices = ([choice.strip() for choice in each.example.choices] for each in asked)
    return sum(len(set(each)) < len(each) for each in choices)


def longer_than(most: int, asked: Sequence[Question], encoder: Encoder) -> int:
    """How many have no reference of at most `most` tokens, so that no answer within the limit is one."""
    references = (each.example.references for each in asked)
    return sum(bool(each) and min(len(encoder.encode(text)) for text in each) > most for each in references)


def near_copies(queries: Sequence[str], shown: Sequence[str]) -> int:
    """How many queries have a near copy among the demonstrations of some draw: copying its label may answer them.

    By the Jaccard similarity of their sets of character n-grams, compared exactly; texts shorter than an n-gram have to be equal.
    """
    same = np.isin(np.array(queries, dtype=object), np.array(shown, dtype=object))
    return int((same | _near(queries, shown)).sum())


def _near(queries: Sequence[str], shown: Sequence[str]) -> NDArray[np.bool_]:
    """Of each query, whether one of the texts shown has nearly the same n-grams."""
    near = np.zeros(len(queries), bool)
    if not queries or max(map(len, shown), default=0) < NGRAM or max(map(len, queries)) < NGRAM:
        return near
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(analyzer="char", ngram_range=(NGRAM, NGRAM), binary=True, dtype=np.int32)
    vectors: Any = vectorizer.fit_transform([*queries, *shown])
    sizes = np.asarray(vectors.sum(1)).ravel()
    shown_T = vectors[len(queries) :].T.tocsr()
    for start in range(0, len(queries), BLOCK):
        rows = slice(start, min(start + BLOCK, len(queries)))
        common = (vectors[rows] @ shown_T).toarray()
        either = sizes[rows, None] + sizes[None, len(queries) :] - common
        near[rows] = ((common > 0) & (common >= NEAR * either)).any(1)
    return near
