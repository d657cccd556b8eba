"""A ratio of two sums over documents, with what each document adds to it.

The mean of what documents add is the ratio, and their spread gives its standard error: the ratio estimator of Cochran 1977,
Sampling Techniques, section 6.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Ratio:
    """A ratio; `value` is None over nothing.

    Attributes:
        error: standard error over documents; None below two.
        documents: numbers of the documents that it is over, ascending.
        values: what each of them adds.
        n: how many of what was summed.
    """

    value: float | None
    error: float | None
    documents: NDArray[np.int64]
    values: NDArray[np.float64]
    n: int


def ratio_of_sums(
    above_D: NDArray[np.float64], below_D: NDArray[np.float64], documents: NDArray[np.int64], n: int
) -> Ratio:
    """Of sums by document."""
    total = float(below_D.sum())
    if not total:
        return Ratio(None, None, documents[:0], np.zeros(0), 0)
    value = float(above_D.sum()) / total
    values = value + (above_D - value * below_D) / float(below_D.mean())
    error = float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else None
    return Ratio(value, error, documents, values, n)


def mean_by_document(documents_N: NDArray[np.int64], values_N: NDArray[np.float64]) -> Ratio:
    """The mean of values, each of which belongs to a document."""
    documents, which_N = np.unique(documents_N, return_inverse=True)
    above, below = (sums(which_N, each_N, len(documents)) for each_N in (values_N, np.ones(len(values_N))))
    return ratio_of_sums(above, below, documents, len(values_N))


def sums(which_N: NDArray[np.int64], values_N: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Of the values of each number below `size`."""
    return np.asarray(np.bincount(which_N, values_N, size), np.float64)
