"""KoBEST WiC: one word in two sentences. Source: Kim et al. 2022, https://arxiv.org/abs/2204.04541."""

from __future__ import annotations

from typing import ClassVar

from ablations.core.tasks.base import Example, FewShotTask, Row


class KobestWic(FewShotTask):
    """Whether a word means the same in two sentences: 아니오 or 예. Chance is 1 in 2."""

    kind: ClassVar[str] = "kobest_wic"
    version: ClassVar[int] = 1
    sample: ClassVar[Row] = {"word": "배", "context_1": "[배]를 탔다.", "context_2": "[배]를 깎아 먹었다.", "label": 0}

    def example(self, row: Row) -> Example:
        asked = f"두 문장에서 {row['word']}의 뜻이 같은가?"
        return Example(
            prompt=f"문장 1: {row['context_1']}\n문장 2: {row['context_2']}\n{asked}",
            choices=(" 아니오", " 예"),
            gold=int(row["label"]),
        )

    def text_fields(self) -> tuple[str, ...]:
        """Not the word: it stands in every text."""
        return ("context_1", "context_2")
