"""What finished cells measured, as the report keeps it: all measures by arm and seed, curves, k-shot points."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ablations.statistics.measures import CellResult, Measures

HIDDEN = (".standard_error",)  # readings that stand with the cells alone
FEW_SHOT = "few_shot"
_BLIND, _BIAS = "blind", "bias"  # groups of readings that are no condition of demos


def measure_rows(measures: Measures) -> list[dict[str, Any]]:
    """Every final reading, by arm and seed."""
    rows = []
    for name in measures.names():
        if name.endswith(HIDDEN):
            continue
        metric = name.split(".")[0]
        having = [cell for cell in measures.cells if name in cell.values]
        arms: dict[str, dict[str, float]] = {}
        for cell in having:
            arms.setdefault(cell.arm, {})[str(cell.seed)] = cell.values[name]
        rows.append(
            {
                "measure": name,
                "metric": metric,
                "unit": measures.unit(name),
                "lower_is_better": measures.lower_is_better(name),
                "n": _common_n(having, name, metric),
                "arms": arms,
            }
        )
    return rows


def _common_n(cells: Sequence[CellResult], name: str, metric: str) -> int | None:
    """The number that a reading was taken over, if it is the same in all cells."""
    found = {_n_of(cell.result["final"][metric]["n"], name.split(".", 1)[1]) for cell in cells}
    return found.pop() if len(found) == 1 else None


def _n_of(n: Mapping[str, int], reading: str) -> int | None:
    """How many things a reading was taken over; readings of one source or group share a number."""
    for length in range(reading.count(".") + 1, 0, -1):
        name = ".".join(reading.split(".")[:length])
        if name in n:
            return n[name]
    return None


def curve(cell: CellResult, control: bool) -> dict[str, Any]:
    """What a cell showed while it trained."""
    points = [
        {
            "tokens": point["tokens"],
            "train_loss": point["train_loss"],
            "measures": {
                f"{m}.{name}": value for m, values in point["measures"].items() for name, value in values.items()
            },
        }
        for point in cell.result["curve"]
    ]
    onsets = {f"{m}.{name}": o for m, of_metric in cell.result["onset"].items() for name, o in of_metric.items()}
    return {"arm": cell.arm, "seed": cell.seed, "control": control, "points": points, "onsets": onsets}


def shot_rows(cell: CellResult) -> Iterator[dict[str, Any]]:
    """A row a task: every k and condition that was asked, also where no prompt fitted into the context."""
    few_shot = cell.result["final"].get(FEW_SHOT, {})
    for task, detail in few_shot.get("details", {}).items():
        found: dict[tuple[int, str], dict[str, float]]
        found = {(int(group["k"]), str(group["condition"])): {} for group in detail["groups"]} | _levels(cell, task)
        asked = _asked(detail["groups"])
        points = [{**_point(cell, task, *key, scores), "asked": asked.get(key, 0)} for key, scores in found.items()]
        yield {"arm": cell.arm, "seed": cell.seed, "task": task, "points": points}


def _asked(groups: Sequence[Mapping[str, Any]]) -> dict[tuple[int, str], int]:
    """(k, condition) -> items times draws, whether they fitted into the context or not: each group asks the same items."""
    items = max((len(group["ids"]) for group in groups), default=0)
    return {key: items * n for key, n in Counter((int(g["k"]), str(g["condition"])) for g in groups).items()}


def _levels(cell: CellResult, task: str) -> dict[tuple[int, str], dict[str, float]]:
    """(k, condition) -> reading -> value, of `few_shot.<task>.k<k>.<condition>.<reading>`."""
    pattern = re.compile(rf"few_shot\.{re.escape(task)}\.k(\d+)\.(\w+)\.(\w+)")
    found: dict[tuple[int, str], dict[str, float]] = {}
    for name, value in cell.values.items():
        if (parts := pattern.fullmatch(name)) and parts[2] not in (_BLIND, _BIAS) and not name.endswith(HIDDEN):
            found.setdefault((int(parts[1]), parts[2]), {})[parts[3]] = value
    return found


def _point(cell: CellResult, task: str, k: int, condition: str, scores: Mapping[str, float]) -> dict[str, Any]:
    n = cell.result["final"][FEW_SHOT]["n"].get(f"{task}.k{k}.{condition}", 0)
    start = f"few_shot.{task}.k{k}.blind_"
    guesses = {name.removeprefix(start): value for name, value in cell.values.items() if name.startswith(start)}
    more = {name: value for name, value in scores.items() if name not in ("nll", "accuracy")}
    levels = {"nll": scores.get("nll"), "accuracy": scores.get("accuracy")}
    return {
        "k": k,
        "condition": condition,
        **levels,
        "n": n,
        "blind": guesses if condition == "gold" else {},
        "scores": more,
    }
