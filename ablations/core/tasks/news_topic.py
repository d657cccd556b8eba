"""Topic of a Korean headline, seven classes, as KLUE's YNAT asks it. Source: Park et al. 2021, https://arxiv.org/abs/2105.09680."""

from __future__ import annotations

from typing import ClassVar

from ablations.core.tasks.base import Example, FewShotTask, Row

LABELS = ("IT과학", "경제", "사회", "생활문화", "세계", "스포츠", "정치")


class NewsTopic(FewShotTask):
    """Section of a Korean headline among seven. Chance is 1 in 7; the sections are not equally frequent."""

    kind: ClassVar[str] = "news_topic"
    version: ClassVar[int] = 1
    sample: ClassVar[Row] = {"title": "중앙은행, 기준금리 두 달 연속 동결", "label": 1}

    def example(self, row: Row) -> Example:
        return Example(
            prompt=f"제목: {row['title']}\n주제:",
            choices=tuple(f" {label}" for label in LABELS),
            gold=int(row["label"]),
        )
