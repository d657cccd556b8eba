"""Ready token items of one few-shot task: what a scorer needs, and no text.

A group holds the items of one (k, condition, draw); its `prefix` begins with BOS and is shared by all its items, so
that one pass over the demos can serve them all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curation.runtime.errors import InputError

FIX = "Build the task's items again."


@dataclass(frozen=True)
class Item:
    """One question: `prompt` follows the group's prefix; the right one of `choices` is `choices[gold]`.

    `id` is the same in all groups; items whose ids differ only after a dot are a pair and are chosen together.
    `fits` is false when prefix, prompt and longest choice exceed the context; such an item is counted, never scored.
    """

    id: str
    prompt: tuple[int, ...]
    choices: tuple[tuple[int, ...], ...]
    gold: int
    fits: bool = True


@dataclass(frozen=True)
class Group:
    """Items that share k demonstrations, their labels' condition (gold, permuted) and a draw.

    `demo_labels` are the demonstrations' answers as shown, in their order, as numbers of the choices; a blind guesser may
    know them. Empty when each item has demonstrations of its own.
    """

    k: int
    condition: str
    draw: int
    prefix: tuple[int, ...]
    items: tuple[Item, ...]
    demo_labels: tuple[int, ...] = ()


@dataclass(frozen=True)
class TaskItems:
    """All groups of a task. `counts` says what happened on the way: borders crossed, items that do not fit."""

    task: str
    version: int
    shots: tuple[int, ...]
    groups: tuple[Group, ...]
    counts: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As it stands in tasks/<name>.json."""
        return {**vars(self), "groups": [_group_json(group) for group in self.groups]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TaskItems:
        return cls(
            task=value["task"],
            version=value["version"],
            shots=tuple(value["shots"]),
            groups=tuple(_group(group) for group in value["groups"]),
            counts=dict(value.get("counts", {})),
        )

    @classmethod
    def read(cls, path: Path, vocab_size: int, context: int) -> TaskItems:
        """Read tasks/<name>.json and check that a model of this shape can be asked its items.

        Raises:
            InputError: it cannot be read, or holds tokens or lengths that the model does not take.
        """
        try:
            made = cls.from_json(json.loads(path.read_text(encoding="utf8")))
        except (OSError, ValueError) as error:
            raise InputError(str(path), f"cannot be read ({error})", FIX) from error
        except (KeyError, TypeError) as error:
            raise InputError(str(path), f"not the items of a task ({type(error).__name__}: {error})", FIX) from error
        for group in made.groups:
            for item in group.items:
                _check(f"{path}, item {item.id}", group, item, vocab_size, context)
        return made


def _group_json(group: Group) -> dict[str, Any]:
    """As `dataclasses.asdict` gives it, without its deep copies: a task has tens of thousands of items."""
    return {**vars(group), "items": [dict(vars(item)) for item in group.items]}


def _group(value: Mapping[str, Any]) -> Group:
    items = tuple(
        Item(
            id=item["id"],
            prompt=tuple(item["prompt"]),
            choices=tuple(tuple(choice) for choice in item["choices"]),
            gold=item["gold"],
            fits=item.get("fits", True),
        )
        for item in value["items"]
    )
    labels = tuple(value.get("demo_labels", ()))
    return Group(value["k"], value["condition"], value["draw"], tuple(value["prefix"]), items, labels)


def _check(where: str, group: Group, item: Item, vocab_size: int, context: int) -> None:
    if not item.fits:
        return
    if not 0 <= item.gold < len(item.choices) or not all(item.choices):
        raise InputError(where, f"gold {item.gold} of {len(item.choices)} choices, or an empty choice", FIX)
    length = len(group.prefix) + len(item.prompt) + max(map(len, item.choices))
    if length - 1 > context or not group.prefix:
        raise InputError(where, f"{length} tokens in a context of {context}, or no BOS", FIX)
    tokens = {*group.prefix, *item.prompt, *(token for choice in item.choices for token in choice)}
    if min(tokens) < 0 or max(tokens) >= vocab_size:
        raise InputError(where, f"token {max(tokens)} in a vocabulary of {vocab_size}", FIX)
