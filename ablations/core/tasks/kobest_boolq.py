"""KoBEST BoolQ: a question about a paragraph, answered yes or no. Source: Kim et al. 2022, https://arxiv.org/abs/2204.04541."""

from __future__ import annotations

from typing import ClassVar

from ablations.core.tasks.base import Example, FewShotTask, Row


class KobestBoolq(FewShotTask):
    """Whether a paragraph answers a question with yes: 아니오 or 예. Chance is 1 in 2."""

    kind: ClassVar[str] = "kobest_boolq"
    version: ClassVar[int] = 1
    sample: ClassVar[Row] = {
        "paragraph": "이 다리는 1932년에 놓였다.",
        "question": "다리는 20세기에 놓였나요?",
        "label": 1,
    }

    def example(self, row: Row) -> Example:
        return Example(
            prompt=f"{row['paragraph']}\n질문: {row['question']}\n답변:",
            choices=(" 아니오", " 예"),
            gold=int(row["label"]),
        )
