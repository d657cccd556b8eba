"""Warnings about few-shot prompts that change how their numbers read: those left out, and those cut inside a piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ablations.core.results.answers import TaskAnswers
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
    return list(dict.fromkeys(found))


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
    if empty_rows := counts.get("query_rows_empty"):
        yield f"task {task}: {plural(int(empty_rows), 'row')} with an empty question not asked"


def _left(ks: Sequence[int], answers: TaskAnswers) -> str:
    """What the numbers at these k are based on."""
    answered = {k: sum(len(group.scores) for group in answers.asked() if group.k == k) for k in ks}
    empty, few = ([str(k) for k in ks if bool(answered[k]) == some] for some in (False, True))
    none = f"; at k = {listed(empty)} none fits, and there is no number" if empty else ""
    fewer = f"; k = {listed(few)} {'rests' if len(few) == 1 else 'rest'} on fewer items" if few else ""
    return none + fewer
