"""Lengths of lines: data and generated code have very long ones. Source: Li et al. 2023, https://arxiv.org/abs/2305.06161, 3.1."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from curation.annotators.base import Annotator, Column, Scores
from curation.text.batch import Batch


class LineLengths(Annotator):
    """The longest line and the mean length of all lines, blank ones included, without their newlines."""

    kind: Literal["line_lengths"] = "line_lengths"
    version: Literal[1] = 1

    columns: ClassVar = (
        Column("longest", unit="characters", type="int"),
        Column("mean", unit="characters per line"),
    )
    examples: ClassVar = {
        "": (0, 0.0),
        "\n\n": (0, 0.0),
        "def f():\n    return 1\n\n": (12, 20 / 3),
    }

    def score(self, batch: Batch) -> Scores:
        lines = batch.lines
        lengths = lines.end - lines.start
        longest = np.zeros(len(batch), np.int64)
        np.maximum.at(longest, lines.document, lengths)
        return {"longest": longest, "mean": lines.per_document(lengths) / np.maximum(lines.count, 1)}
