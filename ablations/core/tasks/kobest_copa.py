"""KoBEST COPA: the likelier cause or result of an event. Source: Kim et al. 2022, https://arxiv.org/abs/2204.04541."""

from __future__ import annotations

from typing import ClassVar

from ablations.core.tasks.base import Example, FewShotTask, Row

JOINED_BY = {
    "원인": "왜냐하면",
    "결과": "그래서",
}  # what the question asks for -> the word between premise and alternative


class KobestCopa(FewShotTask):
    """The likelier of two causes or results, scored as the rest of a sentence. Chance is 1 in 2."""

    kind: ClassVar[str] = "kobest_copa"
    version: ClassVar[int] = 1
    sample: ClassVar[Row] = {
        "premise": "비가 왔다.",
        "question": "결과",
        "alternative_1": "땅이 젖었다.",
        "alternative_2": "땅이 말랐다.",
        "label": 0,
    }

    def example(self, row: Row) -> Example:
        return Example(
            prompt=f"{row['premise'].strip()} {JOINED_BY[row['question'].strip()]}",  # some rows have stray spaces
            choices=(f" {row['alternative_1'].strip()}", f" {row['alternative_2'].strip()}"),
            gold=int(row["label"]),
        )
