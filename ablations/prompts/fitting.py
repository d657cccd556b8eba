"""How many of a task's prompts fit in a context: of items that are made, and expected before there is a tokenizer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ablations.prompts.task_files import task_class
from ablations.prompts.task_items import row_items
from ablations.prompts.task_settings import TaskSettings
from ablations.prompts.tasks.conditions import ASKED
from ablations.prompts.tasks.map_task import MapTask
from curation.runtime.registry import Plugin

LEAST_FITTING = 0.95  # share of the prompts of a k; a curve over k is else one over ever shorter questions
BYTES_A_TOKEN = 4  # more than small vocabularies make of most text: what does not fit so will not fit
Fitting = dict[int, float]  # k -> share


def fitting(items: Mapping[str, Any]) -> Fitting:
    """Of a task's items, as `TaskItems.to_json` gives them."""
    asked: Counter[int] = Counter()
    fit: Counter[int] = Counter()
    for group in items["groups"]:
        if group["condition"] in ASKED:
            of_group = items["item_sets"][group["items"]]
            asked[group["k"]] += len(of_group)
            fit[group["k"]] += sum(item["fits"] for item in of_group)
    return {k: fit[k] / n for k, n in sorted(asked.items()) if n}


def expected_fitting(settings: TaskSettings, root: str, context: int, plugins: Sequence[Plugin] = ()) -> Fitting:
    """Of a task's rows with a token for every four bytes; nothing of tasks that read no rows.

    Raises:
        ConfigError: not one question with one demonstration fits.
    """
    cls = task_class(settings.kind, plugins)
    if issubclass(cls, MapTask):
        return {}
    task = cls(settings.template, settings.group)
    return fitting(row_items(settings, task, root, EvenPieces(), context, plugins).to_json())


class EvenPieces:
    """Stands where a tokenizer will: pieces of `BYTES_A_TOKEN` bytes, and line breaks."""

    bos = 0
    line_ends: tuple[int, ...] = (0,)
    has_break = True

    def encode(self, text: str) -> list[int]:
        return [piece for line in text.splitlines(keepends=True) for piece in self._of_line(line)]

    encode_after_break = encode

    def _of_line(self, line: str) -> list[int]:
        content = line.rstrip("\n").encode()
        ends = [content[start : start + BYTES_A_TOKEN] for start in range(0, len(content), BYTES_A_TOKEN)]
        return [1 + int.from_bytes(end, "little") for end in ends] + [0] * line.endswith("\n")
