"""NSMC: sentiment of Korean film reviews, two classes. Source: https://github.com/e9t/nsmc."""

from __future__ import annotations

from typing import ClassVar

from ablations.core.tasks.base import Example, FewShotTask, Row


class Nsmc(FewShotTask):
    """Sentiment of a Korean film review: 부정 or 긍정. Chance is 1 in 2."""

    kind: ClassVar[str] = "nsmc"
    version: ClassVar[int] = 1
    sample: ClassVar[Row] = {"text": "시간 가는 줄 몰랐다", "label": 1}

    def example(self, row: Row) -> Example:
        return Example(prompt=f"리뷰: {row['text']}\n평가:", choices=(" 부정", " 긍정"), gold=int(row["label"]))
