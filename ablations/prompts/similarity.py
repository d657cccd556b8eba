"""How alike texts are, by the characters that they share; for demonstrations that look at the query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

NGRAMS = (1, 3)  # characters: Korean words change their ends, so whole words would hardly ever meet
DIGITS = 5  # kept, so that sums of another machine rank alike
BLOCK = 256  # queries compared at a time, to bound memory


class TfIdf:
    """Cosine similarity of TF-IDF vectors of character n-grams, with the weights of the pool's and the queries' texts.

    Source: Salton and Buckley 1988, https://doi.org/10.1016/0306-4573(88)90021-0; by scikit-learn's `TfidfVectorizer`.
    """

    def __init__(self, pool: Sequence[str], queries: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(analyzer="char", ngram_range=NGRAMS, lowercase=False, sublinear_tf=True)
        vectors: Any = vectorizer.fit_transform([*pool, *queries])
        self._pool = vectors[: len(pool)]
        self._near_QP = np.empty((len(queries), len(pool)), np.float32)
        for start in range(0, len(queries), BLOCK):
            block = vectors[len(pool) + start : len(pool) + start + BLOCK]
            self._near_QP[start : start + BLOCK] = np.round((block @ self._pool.T).toarray(), DIGITS)

    def to_query(self, query: int) -> NDArray[np.float32]:
        """Of all pool texts to a query, shape (P,)."""
        near_P: NDArray[np.float32] = self._near_QP[query]
        return near_P

    def among(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Of some pool texts to each other, shape (n, n)."""
        some = self._pool[list(rows)]
        near_NN: NDArray[np.float32] = np.round((some @ some.T).toarray(), DIGITS).astype(np.float32)
        return near_NN
