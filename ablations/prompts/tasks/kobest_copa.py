"""KoBEST COPA: the likelier cause or result of an event. Source: Kim et al. 2022, https://arxiv.org/abs/2204.04541."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ablations.prompts.tasks.base import FewShotTask, TaskRow
from ablations.prompts.tasks.template import Template

JOINED_BY = {
    "원인": "왜냐하면",
    "결과": "그래서",
}  # what the question asks for -> the word between premise and alternative


class KobestCopa(FewShotTask):
    """The likelier of two causes or results, scored as the rest of a sentence. Chance is 1 in 2."""

    kind: ClassVar[str] = "kobest_copa"
    version: ClassVar[int] = 2
    sample: ClassVar[TaskRow] = {
        "premise": "비가 왔다.",
        "question": "결과",
        "alternative_1": "땅이 젖었다.",
        "alternative_2": "땅이 말랐다.",
        "label": 0,
    }
    templates: ClassVar[tuple[Template, ...]] = (
        Template(query="{premise}", cue=" {joined_by}", choices=(" {alternative_1}", " {alternative_2}")),
        Template(query="상황: {premise}\n", cue="{question}:", choices=(" {alternative_1}", " {alternative_2}")),
    )
    pool: ClassVar[str] = "tasks/kobest_copa/train.jsonl.zst"
    queries: ClassVar[str] = "tasks/kobest_copa/test.jsonl.zst"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy",)

    def fields(self, row: TaskRow) -> Mapping[str, Any]:
        fields = super().fields(row)
        asked = fields["question"]
        if asked not in JOINED_BY:
            raise ValueError(f"question {asked!r} asks for none of {', '.join(JOINED_BY)}")
        return {**fields, "joined_by": JOINED_BY[asked]}

    def text_fields(self) -> tuple[str, ...]:
        """Not the question, which is one of two words."""
        return ("premise", "alternative_1", "alternative_2")
