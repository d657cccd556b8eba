"""MinHash bands of word shingles, by which near-duplicates are found.

Source: Broder 1997, doi:10.1109/SEQUEN.1997.666900; Lee et al. 2021, https://arxiv.org/abs/2107.06499, appendix A.
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from curation.annotators.base import Annotator, Bands, Column, Scores
from curation.runtime.identity import seed
from curation.text.batch import Batch
from curation.text.kernels.shingles import minhash_bands
from curation.text.shingles import Shingles


class MinHash(Annotator):
    """Hashes of bands of minima: a pair of Jaccard similarity s shares a band with chance 1 - (1 - s^rows)^bands.

    Args:
        shingle_words: words in a shingle; see `curation.text.shingles`.
        bands, rows: of the signature; more bands find more pairs, more rows fewer unlike ones.
        must_find: (similarity, least chance of sharing a band): settings that cannot do it are refused.
    """

    kind: Literal["min_hash"] = "min_hash"
    version: Literal[1] = 1
    shingle_words: int = Field(default=5, ge=1)
    bands: int = Field(default=14, ge=1)
    rows: int = Field(default=8, ge=1)
    must_find: tuple[float, float] = (0.85, 0.9)

    columns: ClassVar = (
        Column(
            "bands", unit="64-bit hashes, one a band; none for a text without words", type="bands", range=(None, None)
        ),
        Column("shingles", unit="shingles, repeated ones included", type="int"),
    )
    examples: ClassVar = {
        "": ([], 0),
        "... !": ([], 0),
        "one word": (None, 1),
        "one two three four five six": (None, 2),
    }

    def recall(self, similarity: float) -> float:
        """Chance that two documents of this Jaccard similarity share a band."""
        return 1 - (1 - similarity**self.rows) ** self.bands

    @model_validator(mode="after")
    def _finds_what_it_must(self) -> Self:
        similarity, wanted = self.must_find
        if (found := self.recall(similarity)) < wanted:
            raise ValueError(
                f"{self.bands} bands of {self.rows} rows find a pair of similarity {similarity} with chance "
                f"{found:.2f}, but must_find asks for {wanted}. Add bands or take rows away."
            )
        return self

    def where(self) -> frozenset[str]:
        return frozenset({"must_find"})  # a check of the settings: it changes no value

    def score(self, batch: Batch) -> Scores:
        shingles = Shingles.of(batch, self.shingle_words)
        times, plus = self._functions
        values = minhash_bands(shingles.hashes, shingles.offsets, times, plus, self.rows)
        return {"bands": Bands(values, shingles.count > 0), "shingles": shingles.count}

    @cached_property
    def _functions(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """Odd factors and summands of the hash functions; more bands leave the first ones as they are."""
        size = self.bands * self.rows
        times = [seed("min_hash", "times", i) * 2 + 1 for i in range(size)]
        plus = [seed("min_hash", "plus", i) * 2 for i in range(size)]
        return np.array(times, np.uint64), np.array(plus, np.uint64)
