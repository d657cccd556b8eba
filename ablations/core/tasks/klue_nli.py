"""KLUE-NLI: what follows from a Korean sentence. Source: Park et al. 2021, https://arxiv.org/abs/2105.09680."""

from __future__ import annotations

from typing import ClassVar

from ablations.core.tasks.base import Example, FewShotTask, Row


class KlueNli(FewShotTask):
    """Whether a hypothesis is true, open or false given a premise: 참, 무관 or 거짓. Chance is 1 in 3."""

    kind: ClassVar[str] = "klue_nli"
    version: ClassVar[int] = 1
    sample: ClassVar[Row] = {"premise": "아이들이 공원에서 뛰논다.", "hypothesis": "공원에 아무도 없다.", "label": 2}

    def example(self, row: Row) -> Example:
        return Example(
            prompt=f"전제: {row['premise']}\n가설: {row['hypothesis']}\n관계:",
            choices=(" 참", " 무관", " 거짓"),
            gold=int(row["label"]),
        )
