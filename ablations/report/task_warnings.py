"""What a reader has to know of few-shot prompts before he reads their numbers: those left out, and those cut inside a piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ablations.statistics.measures import CellResult
from curation.dashboard.numbers import listed, plural


def task_warnings(cells: Sequence[CellResult]) -> list[str]:
    """Of all tasks of all cells, each sentence once: arms of another context leave out other prompts."""
    details = [cell.result["final"].get("few_shot", {}).get("details", {}) for cell in cells]
    found = [sentence for tasks in details for task, detail in tasks.items() for sentence in _sentences(task, detail)]
    return list(dict.fromkeys(found))


def _sentences(task: str, detail: Mapping[str, Any]) -> Iterator[str]:
    counts, groups = detail["counts"], detail["groups"]
    if counts.get("too_long"):
        each = {int(name.partition(".k")[2]): n for name, n in counts.items() if name.startswith("too_long.k")}
        by_k = listed([f"{each[k]} at k = {k}" for k in sorted(each)])
        asked = {k: sum(len(group["ids"]) for group in groups if group["k"] == k) for k in each}
        empty = [str(k) for k in sorted(each) if not asked[k]]
        none = f"; at k = {listed(empty)} none fits, and there is no number" if empty else ""
        few = [str(k) for k in sorted(each) if asked[k]]
        fewer = f"; k = {listed(few)} {'rests' if len(few) == 1 else 'rest'} on fewer items" if few else ""
        long = plural(int(counts["too_long"]), "prompt")
        yield f"task {task}: {long} longer than the context, left out: {by_k}{none}{fewer}"
    if crossed := counts.get("border_crossings"):
        yield (
            f"task {task}: in {plural(int(crossed), 'prompt')} a token runs across the border between prompt and answer; it is "
            "counted as part of the answer, for all choices of the item alike"
        )
    if empty_rows := counts.get("query_rows_empty"):
        yield f"task {task}: {plural(int(empty_rows), 'row')} with an empty question not asked"
