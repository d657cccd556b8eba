"""Korean hate speech: comments under news of celebrities. Source: Moon et al. 2020, https://arxiv.org/abs/2005.12503."""

from __future__ import annotations

from typing import ClassVar

from ablations.core.tasks.base import Example, FewShotTask, Row

LABELS = {"none": " 없음", "offensive": " 공격적", "hate": " 혐오"}


class KoreanHateSpeech(FewShotTask):
    """How hateful a Korean comment is, in three degrees. Chance is 1 in 3."""

    kind: ClassVar[str] = "korean_hate_speech"
    version: ClassVar[int] = 1
    sample: ClassVar[Row] = {"text": "이번 작품도 기대하겠습니다", "hate": "none"}

    def example(self, row: Row) -> Example:
        gold = list(LABELS).index(row["hate"])
        return Example(prompt=f"댓글: {row['text']}\n혐오:", choices=tuple(LABELS.values()), gold=gold)

    def text_fields(self) -> tuple[str, ...]:
        """The headline stands in a row too: a corpus that has both has the test item's context."""
        return ("text", "news_title")
