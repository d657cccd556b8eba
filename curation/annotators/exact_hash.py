"""A 128-bit hash of a document's wording: equal hashes are exact duplicates, whatever their white space."""

from __future__ import annotations

from typing import ClassVar, Literal

import xxhash

from curation.annotators.base import Annotator, Column, Scores
from curation.text import normal
from curation.text.batch import Batch


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
        return {"hash": [digest(normal.wording(text).encode("utf8", "surrogatepass")) for text in batch.texts]}
