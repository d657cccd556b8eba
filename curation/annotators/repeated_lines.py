"""Lines that a document says twice. Source: Rae et al. 2021, https://arxiv.org/abs/2112.11446, appendix A1.1 (repetition)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from curation.annotators.base import Annotator, Column, Scores, Spans
from curation.text.batch import Batch
from curation.text.kernels import hash_ranges


class RepeatedLines(Annotator):
    """Share of characters in lines that stood in the document before, and those lines as spans that a policy can cut."""

    kind: Literal["repeated_lines"] = "repeated_lines"
    version: Literal[1] = 1
    least_chars: int = Field(default=10, ge=1)  # shorter lines ("}", "Yes.") repeat in good text

    columns: ClassVar = (
        Column("char_share", unit="share of characters", range=(0, 1), high_is_bad=True),
        Column("spans", unit="repeated lines", type="spans", range=(None, None)),
    )
    examples: ClassVar = {
        "": (0.0, []),
        "ab\nab": (0.0, []),
        "0123456789\nx\n0123456789\nend": (11 / 27, [(13, 24, "repeated_line")]),
    }

    def score(self, batch: Batch) -> Scores:
        lines = batch.lines
        long = np.flatnonzero(lines.end - lines.start >= self.least_chars)
        start, end, document = lines.start[long], lines.end[long], lines.document[long]
        hashes = hash_ranges(batch.codes, start, end)
        order = np.lexsort((start, hashes, document))
        again = np.zeros(len(long), bool)
        same = (document[order][1:] == document[order][:-1]) & (hashes[order][1:] == hashes[order][:-1])
        again[order[1:]] = same  # the first of equal lines stays
        stops = np.minimum(end[again] + 1, batch.bounds[document[again] + 1])  # its newline goes with it
        where = document[again]
        base = batch.bounds[where]
        spans = Spans(where, start[again] - base, stops - base, ["repeated_line"] * int(again.sum()), len(batch))
        chars = np.bincount(where, weights=(stops - start[again]).astype(float), minlength=len(batch))
        return {"char_share": chars / np.maximum(batch.chars, 1), "spans": spans}
