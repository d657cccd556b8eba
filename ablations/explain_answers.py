"""What a few-shot number rests on: draws, items, prompts as text, answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ablations.core.items import Group, Item, TaskItems
from ablations.explain_origin import FinishedCell, tokenizer_of
from ablations.text_metrics import corpus_score, reading_name, written_answers
from curation.runtime.errors import ConfigError, InputError, one_of
from tokenizer.model import TokenizerModel

Details = Mapping[str, Any]
PER_ITEM = ("gold_nll", "correct", "gold", "predicted", "generated")
OTHERWISE = (
    "accuracy_per_",
    "accuracy_pmi",
    "accuracy_calibrated",
)  # choices compared by corrected scores, which are not kept
OF_ONE_ANSWER = ("exact_match", "char_f1")  # text metrics that say something of a single answer


@dataclass(frozen=True)
class Choice:
    """What to show: at most `most` items as text; one draw; one item, by its id or the beginning of it."""

    most: int = 3
    draw: int | None = None
    item: str | None = None


def answers(cell: FinishedCell, name: str, choice: Choice) -> dict[str, Any] | None:
    """Groups and items behind `few_shot.<name>`; None when it is of no task.

    Raises:
        ConfigError: no such draw or item.
    """
    details = cell.result["final"]["few_shot"]["details"]
    tasks = sorted((task for task in details if name.startswith(f"{task}.")), key=len)
    if not tasks:
        return None
    task = tasks[-1]
    groups = _groups(details[task]["groups"], name.removeprefix(f"{task}."))
    rows = _rows(groups, choice)
    items = _items_file(cell, task)
    model = tokenizer_of(cell)
    return {
        "task": task,
        "about": items.about,
        "counts": details[task]["counts"],
        "draws": [_draw(group) for group in groups],
        "recomputed": _recomputed(groups, name)
        if items.generation is None
        else _written_again(groups, name, items, model),
        "otherwise": name.rsplit(".", 1)[-1].startswith(OTHERWISE),
        "items": rows,
        "shown": [_shown(row, items, model) for row in rows[: choice.most]],
    }


def _groups(groups: Sequence[Details], rest: str) -> list[Details]:
    """Those of the k and the conditions that the rest of a reading's name says: `k8.permuted_minus_gold`, `k8.gold.nll`."""
    match = re.match(r"k(\d+)\.", rest)
    words = set(re.split(r"[._]", rest))
    conditions = {group["condition"] for group in groups}
    named = {condition for condition in conditions if condition in words or condition in rest.split(".")}
    wanted = named or ({"gold"} & conditions) or conditions
    return [g for g in groups if g["condition"] in wanted and (match is None or g["k"] == int(match[1]))]


def _rows(groups: Sequence[Details], choice: Choice) -> list[dict[str, Any]]:
    """One an item and draw, with what each condition came to."""
    rows: dict[tuple[int, int, str], dict[str, Any]] = {}
    for group in groups:
        for place, id_ in enumerate(group["ids"]):
            row = rows.setdefault((group["k"], group["draw"], id_), {"k": group["k"], "draw": group["draw"], "id": id_})
            row[group["condition"]] = {key: group[key][place] for key in PER_ITEM if group.get(key)}
            if group.get("candidate") is not None:
                row[group["condition"]]["candidate"] = group["candidate"]
    chosen = [row for row in rows.values() if choice.draw is None or row["draw"] == choice.draw]
    if not chosen and rows:
        raise ConfigError(f"--draw: {one_of({row['draw'] for row in rows.values()}, str(choice.draw), 'draw')}")
    if choice.item is not None:
        ids = [row["id"] for row in chosen]
        chosen = [row for row in chosen if row["id"].startswith(choice.item)]
        if not chosen:
            raise ConfigError(f"--item: {one_of(sorted(set(ids))[:20], choice.item, 'item')}")
    return chosen


def _draw(group: Details) -> dict[str, Any]:
    """A group in numbers."""
    made = {"k": group["k"], "condition": group["condition"], "draw": group["draw"], "items": len(group["ids"])}
    if group["ids"]:
        made["mean_gold_nll"] = fmean(group["gold_nll"])
        if "correct" in group:  # written answers are scored as texts
            made["accuracy"] = fmean(group["correct"])
    return made


def _recomputed(groups: Sequence[Details], name: str) -> float | None:
    """The number once more from its items, where it is a plain mean of theirs; else None."""
    conditions = {group["condition"] for group in groups}
    last = name.rsplit(".", 1)[-1]
    if last in {"nll", "accuracy"} and len(conditions) == 1:
        values = [v for group in groups for v in group["gold_nll" if last == "nll" else "correct"]]
        return fmean(values) if values else None
    if "_minus_" in last and len(conditions) == 2:
        first, second = last.split("_minus_")
        pairs = [
            (row[first]["gold_nll"], row[second]["gold_nll"])
            for row in _rows(groups, Choice())
            if first in row and second in row
        ]
        return fmean(a - b for a, b in pairs) if pairs else None
    return None


def _written_again(groups: Sequence[Details], name: str, items: TaskItems, model: TokenizerModel) -> float | None:
    """The same of a task whose answers are written: text metrics are means over draws of what the answers come to."""
    last = name.rsplit(".", 1)[-1]
    for metric in items.metrics:
        if last == reading_name(metric):
            written = [group for group in groups if group.get("generated")]
            return fmean(corpus_score(metric, *written_answers(g, model, items.references)) for g in written)
    return _recomputed(groups, name)


def _items_file(cell: FinishedCell, task: str) -> TaskItems:
    for path in cell.spec["tasks"]:
        if not cell.folder.exists(path):
            raise InputError(
                f"{cell.folder.url}/{path}", "is not there", "Cells on an object store keep no items; use a disk."
            )
        items = TaskItems.from_json(json.loads(cell.folder.read(path)))
        if items.task == task:
            return items
    raise InputError(f"{cell.folder.url}/tasks", f"no items of {task}", "Run the cell again.")


def _shown(row: Mapping[str, Any], items: TaskItems, model: TokenizerModel) -> dict[str, Any]:
    """An item as text, under each of its conditions."""
    shown: dict[str, Any] = {"k": row["k"], "draw": row["draw"], "id": row["id"]}
    for condition in row.keys() - {"k", "draw", "id"}:
        group = _group_of(items, row, condition)
        item = next(item for item in group.items if item.id == row["id"])
        shown[condition] = _texts(group, item, row[condition], model)
    if references := items.references.get(row["id"]):
        shown["references"] = list(references)
        for each in shown.values():
            if isinstance(each, dict) and "generated" in each:
                each["scores"] = {
                    metric: corpus_score(metric, [each["generated"].strip()], [references])
                    for metric in items.metrics
                    if metric in OF_ONE_ANSWER
                }
    return shown


def _group_of(items: TaskItems, row: Mapping[str, Any], condition: str) -> Group:
    """The group of an answer. Of several orders of the same demonstrations the result names the one that the model chose."""
    key = row["k"], condition, row["draw"]
    groups = [group for group in items.groups if (group.k, group.condition, group.draw) == key]
    chosen = row[condition].get("candidate")
    return next((group for group in groups if getattr(group, "candidate", None) == chosen), groups[0])


def _texts(group: Group, item: Item, answer: Mapping[str, Any], model: TokenizerModel) -> dict[str, Any]:
    """Prompt and answers as text; what all items of the draw share is `demonstrations`."""
    before = model.decode(group.prefix[1:])
    whole = model.decode([*group.prefix[1:], *item.prompt])
    made: dict[str, Any] = {
        "demonstrations": before,
        "question": whole.removeprefix(before),
        "demo_labels": list(group.demo_labels),
        "choices": [model.decode(choice) for choice in item.choices],
        "gold": item.gold,
        "gold_nll": answer["gold_nll"],
    }
    if "predicted" in answer:
        made |= {"predicted": answer["predicted"], "correct": bool(answer["correct"])}
    if "generated" in answer:
        made["generated"] = model.decode(answer["generated"])
    return made
