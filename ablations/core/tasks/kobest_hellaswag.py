"""KoBEST HellaSwag: the likeliest end of a description. Source: Kim et al. 2022, https://arxiv.org/abs/2204.04541."""

from __future__ import annotations

from typing import ClassVar

from ablations.core.tasks.base import Example, FewShotTask, Row

ENDINGS = ("ending_1", "ending_2", "ending_3", "ending_4")


class KobestHellaswag(FewShotTask):
    """The likeliest of four endings, by the probability of all its tokens. Chance is 1 in 4."""

    kind: ClassVar[str] = "kobest_hellaswag"
    version: ClassVar[int] = 1
    sample: ClassVar[Row] = {
        "context": "아이가 물을 끓인다. 컵에 찻잎을 넣는다.",
        "ending_1": "컵에 물을 붓는다.",
        "ending_2": "컵을 깨뜨린다.",
        "ending_3": "찻잎을 말린다.",
        "ending_4": "물을 버린다.",
        "label": 0,
    }

    def example(self, row: Row) -> Example:
        choices = tuple(f" {row[ending]}" for ending in ENDINGS)
        return Example(prompt=str(row["context"]), choices=choices, gold=int(row["label"]))
