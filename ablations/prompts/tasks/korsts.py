"""KorSTS: whether two sentences mean the same. Source: Ham et al. 2020, https://arxiv.org/abs/2004.03289."""

from __future__ import annotations

from typing import ClassVar

from ablations.prompts.tasks.base import FewShotTask, TaskRow
from ablations.prompts.tasks.template import Template

LEAST_SAME = 3.0  # of 5, as KLUE-STS is made binary: Park et al. 2021, https://arxiv.org/abs/2105.09680, section 3.3


class Korsts(FewShotTask):
    """Whether two sentences, translated from English, mean the same: 아니오 or 예. Chance is 1 in 2."""

    kind: ClassVar[str] = "korsts"
    version: ClassVar[int] = 1
    sample: ClassVar[TaskRow] = {
        "sentence1": "아이가 말을 탄다.",
        "sentence2": "어린이가 말을 타고 있다.",
        "score": 4.75,
    }
    templates: ClassVar[tuple[Template, ...]] = (
        Template(
            query="문장 1: {sentence1}\n문장 2: {sentence2}\n", cue="두 문장의 뜻이 같은가?", choices=(" 아니오", " 예")
        ),
        Template(query="가: {sentence1}\n나: {sentence2}\n", cue="가와 나의 뜻:", choices=(" 다르다", " 같다")),
    )
    pool: ClassVar[str] = "tasks/korsts/train.jsonl.zst"
    queries: ClassVar[str] = "tasks/korsts/test.jsonl.zst"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "f1_positive", "macro_f1")

    def gold(self, row: TaskRow) -> int:
        score = row.get("score")
        if isinstance(score, bool) or not isinstance(score, int | float):
            raise ValueError(f"no gold answer: score {score!r} is no number")
        return int(score >= LEAST_SAME)
