"""A batch whose words another program found: to compare the rules of two programs on the same words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from curation.text.batch import Batch, Words
from curation.text.code_points import traits
from curation.text.kernels import characters


def batch_of_words(texts: Sequence[str], words: Sequence[Sequence[str]]) -> Batch:
    """A batch that takes these as the words of its documents, none of them empty."""
    batch = Batch(texts)
    every = [word for document in words for word in document]
    codes = Batch(every).codes
    marks = characters.classify(codes, traits.table())
    ends = _ends(every)
    is_word = np.array([any(int(traits.table()[ord(c)]) & traits.GROUP in (1, 2) for c in w) for w in every], np.bool_)
    start, end = ends[:-1].astype(np.int32), ends[1:].astype(np.int32)
    vars(batch)["words"] = Words(start, end, _ends(words), is_word, codes, marks)
    return batch


def _ends(parts: Sequence[str] | Sequence[Sequence[str]]) -> npt.NDArray[np.int64]:
    return np.cumsum([0, *map(len, parts)])
