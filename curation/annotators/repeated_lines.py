"""Lines that a document repeats. Source: Rae et al. 2021, https://arxiv.org/abs/2112.11446, appendix A1.1 (repetition)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from curation.annotators.base import Annotator, Column, Scores, Spans
from curation.text.batch import Batch
from curation.text.kernels.lines import stood_before


class RepeatedLines(Annotator):
    """Share of characters in lines that occurred in the document before, and those lines as spans that a policy can cut."""

    kind: Literal["repeated_lines"] = "repeated_lines"
    version: Literal[1] = 1
    least_chars: int = Field(default=10, ge=1)  # shorter lines ("}", "Yes.") repeat in good text

    columns: ClassVar = (
        Column("char_share", unit="share of characters", range=(0, 1)),
        Column("spans", unit="repeated lines", type="spans", range=(None, None)),
    )
    examples: ClassVar = {
        "": (0.0, []),
        "ab\nab": (0.0, []),
        "0123456789\nx\n0123456789\nend": (11 / 27, [(13, 24, "repeated_line")]),
    }

    def score(self, batch: Batch) -> Scores:
        lines = batch.lines
        again = stood_before(batch.line_hashes, lines.start, lines.end, lines.offsets, self.least_chars)
        found = np.flatnonzero(again)  # the first of equal lines stays
        where, start, stops = lines.document[found], lines.start[found], lines.after(batch.bounds)[found]
        base = batch.bounds[where]
        spans = Spans(where, start - base, stops - base, ["repeated_line"] * len(found), len(batch))
        chars = np.bincount(where, weights=(stops - start).astype(float), minlength=len(batch))
        return {"char_share": chars / np.maximum(batch.chars, 1), "spans": spans}
