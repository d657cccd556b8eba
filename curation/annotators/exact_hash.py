"""A 128-bit hash of a document's wording: equal hashes are exact duplicates, whatever their white space."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar, Literal

import xxhash

from curation.annotators.base import Annotator, Column, Scores
from curation.text.batch import Batch
from curation.text.kernels.characters import fold_white


class ExactHash(Annotator):
    """Hash of the wording, for exact duplicates within and across sources. Source: XXH3, https://xxhash.com."""

    kind: Literal["exact_hash"] = "exact_hash"
    version: Literal[1] = 1

    columns: ClassVar = (Column("hash", unit="128-bit hash of the wording", type="hash", range=(None, None)),)
    examples: ClassVar = {
        "": (bytes.fromhex("99aa06d3014798d86001c324468d497f"),),
        "a  b\n": (xxhash.xxh3_128_digest(b"a b"),),
        "a b": (xxhash.xxh3_128_digest(b"a b"),),
    }

    def score(self, batch: Batch) -> Scores:
        digest = xxhash.xxh3_128_digest
        utf8, offsets = fold_white(batch.codes, batch.traits, batch.bounds)
        wording, ends = utf8.data, offsets.tolist()  # as `normal.wording`, encoded
        return {"hash": [digest(wording[start:end]) for start, end in pairwise(ends)]}
