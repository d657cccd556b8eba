"""Warnings about few-shot prompts and answers that change how their numbers read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ablations.core.results.answers import TaskAnswers
from ablations.core.results.readings import AT_LIMIT, IN_TEXT
from ablations.statistics.cell_result import CellResult
from curation.dashboard.numbers import listed, plural


def task_warnings(cells: Sequence[CellResult]) -> list[str]:
    """Of all tasks of all cells, each sentence once: arms of another context leave out other prompts."""
    found = [
        sentence
        for cell in cells
        for task, counts in cell.counts.items()
        for sentence in _sentences(task, counts, cell.answers.get(task))
    ]
    return list(dict.fromkeys([*found, *_cut_answers(cells)]))


def _sentences(task: str, counts: Mapping[str, int], answers: TaskAnswers | None) -> Iterator[str]:
    if counts.get("too_long"):
        each = {int(name.partition(".k")[2]): n for name, n in counts.items() if name.startswith("too_long.k")}
        by_k = listed([f"{each[k]} at k = {k}" for k in sorted(each)])
        long = plural(int(counts["too_long"]), "prompt")
        left = _left(sorted(each), answers) if answers else ""
        yield f"task {task}: {long} longer than the context, left out: {by_k}{left}"
    if crossed := counts.get("border_crossings"):
        yield (
            f"task {task}: in {plural(int(crossed), 'prompt')} a token runs across the border between prompt and answer; it is "
            "counted as part of the answer, for all choices of the item alike"
        )
    if IN_TEXT not in counts:
        yield f"task {task}, contamination: not measured; nobody looked whether its items stand in the training text"
    if found := counts.get(IN_TEXT):
        where = listed(
            [f"{name.partition('.')[2]} {n}" for name, n in counts.items() if name.startswith(f"{IN_TEXT}.")]
        )
        yield (
            f"task {task}: {plural(int(found), 'item')} asked stand in the training text ({where}); they are left out of its "
            f"numbers and scored apart, as {IN_TEXT}"
        )
    if empty_rows := counts.get("query_rows_empty"):
        yield f"task {task}: {plural(int(empty_rows), 'row')} with an empty question not asked"
    if equal := counts.get("equal_choices"):
        yield f"task {task}: {plural(int(equal), 'row')} offer one choice twice; which of the two is right, no model can tell"
    if long_references := counts.get("long_references"):
        rows = plural(int(long_references), "row")
        yield f"task {task}: {rows} whose references are longer than an answer may be; raise the task's max_tokens"
    if copies := counts.get("near_copies"):
        rows = plural(int(copies), "question")
        yield f"task {task}: {rows} with a near copy among the demonstrations of some draw, whose answer can be copied"


def _cut_answers(cells: Sequence[CellResult]) -> Iterator[str]:
    """Of each task the cell with the largest share of answers that stopped at the limit of tokens."""
    most: dict[str, tuple[float, str]] = {}
    for cell in cells:
        for reading in cell.readings.values():
            if reading.reading == AT_LIMIT and reading.value:
                most[reading.task] = max(
                    most.get(reading.task, (0.0, "")), (reading.value, f"{cell.cell}, k = {reading.k}")
                )
    for task, (share, where) in most.items():
        yield f"task {task}: up to {share:.0%} of the answers stopped at the limit of tokens ({where}); they count as they are"


def _left(ks: Sequence[int], answers: TaskAnswers) -> str:
    """What the numbers at these k are based on."""
    answered = {k: sum(len(group.scores) for group in answers.asked() if group.k == k) for k in ks}
    empty, few = ([str(k) for k in ks if bool(answered[k]) == some] for some in (False, True))
    none = f"; at k = {listed(empty)} none fits, and there is no number" if empty else ""
    fewer = f"; k = {listed(few)} {'rests' if len(few) == 1 else 'rest'} on fewer items" if few else ""
    return none + fewer
