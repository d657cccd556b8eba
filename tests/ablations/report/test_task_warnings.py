"""What the report says of prompts that were left out or cut."""

from __future__ import annotations

from ablations.core.results.answers import CONTENT_FREE, GroupAnswers, Score, TaskAnswers
from ablations.core.results.readings import Reading
from ablations.report.task_warnings import task_warnings
from ablations.statistics.cell_result import CellResult

Detail = tuple[dict[str, int], dict[int, int]]  # counts; k -> items that were answered


def cell(**tasks: Detail) -> CellResult:
    answers = {task: TaskAnswers(task, tuple(_groups(items))) for task, (_, items) in tasks.items()}
    return CellResult("a_s0", "a", 0, {}, answers, counts={task: counts for task, (counts, _) in tasks.items()})


def _groups(items: dict[int, int]) -> list[GroupAnswers]:
    scores = {k: tuple(Score(str(i), 0, (-1.0, -2.0)) for i in range(n)) for k, n in items.items()}
    free = [GroupAnswers(k, CONTENT_FREE, 0, (Score("*", 0, (-1.0, -2.0)),)) for k in items]  # asks nothing
    return [*(GroupAnswers(k, "gold", 0, scores[k]) for k in items), *free]


def detail(counts: dict[str, int], items: dict[int, int]) -> Detail:
    return {"in_text": 0, **counts}, items


def test_prompts_that_do_not_fit_are_told_by_k() -> None:
    """If this fails, a k-shot number over five items looks like one over twenty."""
    some = detail({"too_long": 88, "too_long.k1": 8, "too_long.k4": 80}, {0: 20, 1: 12, 4: 0})
    assert task_warnings([cell(korquad=some)]) == [
        "task korquad: 88 prompts longer than the context, left out: 8 at k = 1 and 80 at k = 4; "
        "at k = 4 none fits, and there is no number; k = 1 rests on fewer items"
    ]
    all_ = detail({"too_long": 1, "too_long.k16": 1}, {0: 20, 16: 0})
    assert task_warnings([cell(nsmc=all_)]) == [
        "task nsmc: 1 prompt longer than the context, left out: 1 at k = 16; at k = 16 none fits, and there is no number"
    ]


def test_cut_tokens_and_empty_questions_are_told_and_usual_counts_are_not() -> None:
    odd = detail({"border_crossings": 3, "query_rows_empty": 2, "too_long": 0, "pool_rows_left_out": 7}, {0: 20})
    told = task_warnings([cell(nsmc=odd), cell(nsmc=odd)])
    assert told == [
        "task nsmc: in 3 prompts a token runs across the border between prompt and answer; it is counted as part of the "
        "answer, for all choices of the item alike",
        "task nsmc: 2 rows with an empty question not asked",
    ]
    assert (
        task_warnings([cell(nsmc=detail({"border_crossings": 0, "too_long": 0, "pool_rows_left_out": 7}, {0: 20}))])
        == []
    )
    assert task_warnings([CellResult("a_s0", "a", 0, {})]) == []


def test_of_a_task_that_was_not_asked_nothing_is_said_of_its_numbers() -> None:
    unmeasured = CellResult("a_s0", "a", 0, {}, counts={"nsmc": {"in_text": 0, "too_long": 1, "too_long.k16": 1}})
    assert task_warnings([unmeasured]) == ["task nsmc: 1 prompt longer than the context, left out: 1 at k = 16"]


def test_items_that_stand_in_the_training_text_are_told_and_so_is_that_nobody_looked() -> None:
    """If this fails, a score on items that were trained on looks like one on others."""
    found = detail({"in_text": 3, "in_text.news": 2, "in_text.blog": 1}, {0: 20})
    assert task_warnings([cell(nsmc=found)]) == [
        "task nsmc: 3 items asked stand in the training text (news 2 and blog 1); they are left out of its numbers and scored "
        "apart, as in_text"
    ]
    nobody: Detail = ({}, {0: 20})
    assert task_warnings([cell(nsmc=nobody)]) == [
        "task nsmc, contamination: not measured; nobody looked whether its items stand in the training text"
    ]


def test_what_makes_scores_mean_less_is_told() -> None:
    odd = detail({"equal_choices": 2, "long_references": 1, "near_copies": 5}, {0: 20})
    assert task_warnings([cell(nsmc=odd)]) == [
        "task nsmc: 2 rows offer one choice twice; which of the two is right, no model can tell",
        "task nsmc: 1 row whose references are longer than an answer may be; raise the task's max_tokens",
        "task nsmc: 5 questions with a near copy among the demonstrations of some draw, whose answer can be copied",
    ]
    cut = Reading("few_shot", 0.25, "share", None, "", reading="at_limit", task="qa", k=4, n={"answers": 8})
    assert task_warnings([CellResult("a_s0", "a", 0, {cut.name: cut})]) == [
        "task qa: up to 25% of the answers stopped at the limit of tokens (a_s0, k = 4); they count as they are"
    ]
