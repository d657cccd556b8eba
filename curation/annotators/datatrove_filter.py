"""Any filter of datatrove as an annotator. Source: https://github.com/huggingface/datatrove."""

from __future__ import annotations

import importlib.metadata
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from curation.annotators.base import Annotator, Column, Scores
from curation.runtime.errors import ConfigError, one_of
from curation.text.batch import Batch


class DatatroveFilter(Annotator):
    """What a filter of datatrove would do, as a score: its verdict and its reason, for a policy to use.

    Args:
        filter: name of a class in `datatrove.pipeline.filters`.
        options: arguments of its constructor.
    """

    kind: Literal["datatrove_filter"] = "datatrove_filter"
    version: Literal[1] = 1
    filter: str = "RegexFilter"
    options: dict[str, Any] = {"regex_exp": "(?i)lorem ipsum"}

    columns: ClassVar = (
        Column("keeps", unit="1 if the filter keeps the document, else 0", type="int", range=(0, 1)),
        Column("reason", unit="the filter's reason, empty if it gives none", type="string", range=(None, None)),
    )
    examples: ClassVar = {"": (1, ""), "Lorem ipsum dolor": (0, "")}

    def content(self) -> dict[str, str]:
        return {"datatrove": importlib.metadata.version("datatrove")}

    def score(self, batch: Batch) -> Scores:
        from datatrove.data import Document

        keeps = np.zeros(len(batch), np.int64)
        reasons: list[str] = []
        for row, text in enumerate(batch.texts):
            verdict = self._filter.filter(Document(text=text, id=""))
            keep, reason = verdict if isinstance(verdict, tuple) else (verdict, "")
            keeps[row] = int(bool(keep))
            reasons.append(str(reason or ""))
        return {"keeps": keeps, "reason": reasons}

    @cached_property
    def _filter(self) -> Any:
        from datatrove.pipeline import filters
        from datatrove.pipeline.filters.base_filter import BaseFilter

        known = {n: c for n, c in vars(filters).items() if isinstance(c, type) and issubclass(c, BaseFilter)}
        if self.filter not in known:
            raise ConfigError(f"datatrove_filter.filter: {one_of(known, self.filter, 'filter')}")
        try:
            return known[self.filter](**self.options)
        except TypeError as error:
            raise ConfigError(f"datatrove_filter.options: {error}. Correct the names of the arguments.") from error
