"""KorNLI's translation of XNLI: what follows from a sentence. Source: Ham et al. 2020, https://arxiv.org/abs/2004.03289."""

from __future__ import annotations

from typing import ClassVar

from ablations.core.tasks.base import Example, FewShotTask, Row


class KornliXnli(FewShotTask):
    """As `klue_nli`, on sentences translated from English. Chance is 1 in 3."""

    kind: ClassVar[str] = "kornli_xnli"
    version: ClassVar[int] = 1
    sample: ClassVar[Row] = {"premise": "그는 어제 도착했다.", "hypothesis": "그는 아직 오지 않았다.", "label": 2}

    def example(self, row: Row) -> Example:
        return Example(
            prompt=f"전제: {row['premise']}\n가설: {row['hypothesis']}\n관계:",
            choices=(" 참", " 무관", " 거짓"),
            gold=int(row["label"]),
        )
