"""From rows of a few-shot task to token items. Pure: `encode` is the only thing it needs of a tokenizer.

Demonstrations of a draw are ranked by a hash of (task, draw, row), so the first k are the k demos: they nest, are
shared by all queries, and depend on nothing else. A prompt's tokens and an answer's are split from the tokens of the
joined string, for a piece may run across the border; each such case is counted.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from ablations.core.hashing import key_of
from ablations.core.items import Group, Item, TaskItems
from ablations.core.tasks.base import Example, FewShotTask, Row

Encode = Callable[[str], list[int]]
T = TypeVar("T")


def task_items(
    task: FewShotTask, pool: Sequence[Row], queries: Sequence[Row], encode: Encode, bos: int, context: int, draws: int
) -> TaskItems:
    """Token items of a text task for every k of its `shots`, `draws` draws, gold and permuted labels.

    Args:
        pool: rows to draw demonstrations from; those that are also queries are left out, and counted.
        queries: rows to ask about.
        encode: text to pieces, without BOS.
        bos: put before every prompt.
        context: most tokens a model takes; an item that is longer says `fits` = false, and is counted.
        draws: choices of demonstrations; k = 0 has one only.

    Raises:
        ValueError: the pool is smaller than the largest k.
    """
    asked = {row_id(row) for row in queries}
    free = {row_id(row): row for row in pool if row_id(row) not in asked}
    if len(free) < max(task.shots):
        raise ValueError(f"{task.kind}: {len(free)} pool rows are fewer than {max(task.shots)} demos. Give more rows.")
    counts = dict.fromkeys(("border_crossings", "too_long", "pool_rows_left_out"), 0)
    counts["pool_rows_left_out"] = len(pool) - len(free)
    groups = []
    for draw in range(draws):
        demos = [task.example(free[key]) for key in ranked(task.kind, draw, list(free))]
        for k in task.shots:
            for condition, shown in conditions(demos, k, key_of(task.kind, draw)).items():
                if k > 0 or draw == 0:
                    text = preamble(task, demos[:k], shown)
                    made = _group(task, k, condition, draw, text, queries, encode, bos, context, counts)
                    groups.append(replace(made, demo_labels=labels_of(demos[:k], shown)))
    return TaskItems(task.kind, task.version, task.shots, tuple(groups), counts)


def row_id(row: Row) -> str:
    """Name of a row by its content: equal rows are one row, wherever they stand."""
    return f"{key_of(json.dumps(row, sort_keys=True, ensure_ascii=False)):016x}"


def ranked(task: str, draw: int, ids: Sequence[str]) -> list[str]:
    """The ids in the order in which a draw takes them; an added row changes no other's rank relative to the rest."""
    return sorted(ids, key=lambda row: (key_of(task, draw, row), row))


def conditions(demos: Sequence[Example], k: int, seed: int) -> dict[str, list[str]]:
    """Answers of the first k demos under each condition that exists for them.

    `permuted` replaces each answer by another, always the same one for it. When all demos offer the same choices these
    are deranged, alike for every k; otherwise the distinct answers of the k are, for which there must be two.
    """
    gold = [demo.choices[demo.gold] for demo in demos[:k]]
    made = {"gold": gold}
    same_choices = len({demo.choices for demo in demos}) == 1
    answers = list(demos[0].choices) if same_choices else list(dict.fromkeys(gold))
    if k > 0 and len(answers) >= 2:
        moved = derangement(len(answers), random.Random(seed))
        other = {answer: answers[moved[i]] for i, answer in enumerate(answers)}
        made["permuted"] = [other[answer] for answer in gold]
    return made


def derangement(n: int, rng: random.Random) -> list[int]:
    """A random permutation of n things that leaves none in its place. Tries until one fits: about e times.

    Raises:
        ValueError: one thing cannot be moved.
    """
    if n < 2:
        raise ValueError(f"{n} thing cannot be deranged; at least 2 can.")
    while True:
        order = list(range(n))
        rng.shuffle(order)
        if all(place != thing for place, thing in enumerate(order)):
            return order


def labels_of(demos: Sequence[Example], answers: Sequence[str]) -> tuple[int, ...]:
    """The answers shown as numbers of the demos' choices; -1 for an answer that is none of a demo's own choices."""
    pairs = zip(demos, answers, strict=True)
    return tuple(demo.choices.index(answer) if answer in demo.choices else -1 for demo, answer in pairs)


def preamble(task: FewShotTask, demos: Sequence[Example], answers: Sequence[str]) -> str:
    """All that stands before the query."""
    parts = [task.instruction] if task.instruction else []
    parts += [demo.prompt + answer for demo, answer in zip(demos, answers, strict=True)]
    return "".join(part + task.separator for part in parts)


def split(prompt: str, choices: Sequence[str], encode: Encode) -> tuple[list[int], list[list[int]], bool]:
    """Tokens of the prompt, tokens of each choice, and whether a piece ran across the border.

    Prompt and choice together are exactly the tokens of the joined string. Where a piece crosses the border the prompt
    ends before it, for all choices alike, so that they stay comparable.
    """
    alone = encode(prompt)
    joined = [encode(prompt + choice) for choice in choices]
    shared = common_start([alone, *joined])
    shared = min([shared, *(len(tokens) - 1 for tokens in joined)])  # an answer keeps at least one token
    return alone[:shared], [tokens[shared:] for tokens in joined], shared < len(alone)


def common_start(sequences: Sequence[Sequence[T]]) -> int:
    """How many things at the start are the same in all."""
    shortest = min(map(len, sequences), default=0)
    for place in range(shortest):
        if any(sequence[place] != sequences[0][place] for sequence in sequences):
            return place
    return shortest


def _group(
    task: FewShotTask, k: int, condition: str, draw: int, text: str, queries: Sequence[Row],
    encode: Encode, bos: int, context: int, counts: dict[str, int],
) -> Group:  # fmt: skip
    whole = []
    for row in queries:
        example = task.example(row)
        prompt, choices, crossed = split(text + example.prompt, example.choices, encode)
        fits = 1 + len(prompt) + max(map(len, choices)) <= context
        counts["border_crossings"] += crossed
        counts["too_long"] += not fits
        whole.append(Item(row_id(row), tuple(prompt), tuple(map(tuple, choices)), example.gold, fits))
    start = common_start([item.prompt for item in whole] + [encode(text)])
    items = tuple(Item(i.id, i.prompt[start:], i.choices, i.gold, i.fits) for i in whole)
    return Group(k, condition, draw, (bos, *(whole[0].prompt[:start] if whole else ())), items)
