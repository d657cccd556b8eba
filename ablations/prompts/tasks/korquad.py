"""KorQuAD 1.0: an answer from a paragraph, written out. Source: Lim et al. 2019, https://arxiv.org/abs/1909.07005."""

from __future__ import annotations

from typing import ClassVar

from ablations.prompts.tasks.base import FewShotTask, TaskRow, on_one_line
from ablations.prompts.tasks.template import Template


class Korquad(FewShotTask):
    """The answer to a question about a paragraph of Wikipedia, in its own words; any of several counts as right."""

    kind: ClassVar[str] = "korquad"
    version: ClassVar[int] = 1
    sample: ClassVar[TaskRow] = {
        "context": "이 다리는 1932년에 놓였고, 길이는 400미터이다.",
        "question": "다리는 언제 놓였는가?",
        "answers": [{"text": "1932년", "answer_start": 6}, {"text": "1932년에", "answer_start": 6}],
    }
    templates: ClassVar[tuple[Template, ...]] = (
        Template(query="{context}\n질문: {question}\n", cue="답:", answer=" {answer}"),
        Template(query="문단: {context}\n물음: {question}\n", cue="문단에 있는 답:", answer=" {answer}"),
    )
    pool: ClassVar[str] = "tasks/korquad/train.jsonl.zst"
    queries: ClassVar[str] = "tasks/korquad/test.jsonl.zst"
    metrics: ClassVar[tuple[str, ...]] = ("exact_match", "char_f1")
    group: ClassVar[str] = "context"  # six questions on a paragraph
    shots: ClassVar[tuple[int, ...]] = (0, 1, 2, 4)  # a paragraph takes hundreds of tokens

    def answers(self, row: TaskRow) -> tuple[str, ...]:
        found = row.get("answers")
        if not found:
            raise ValueError("no gold answer: nothing under 'answers'")
        return tuple(dict.fromkeys(on_one_line(answer["text"]) for answer in found))
