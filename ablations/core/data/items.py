"""Ready token items of one few-shot task: what a scorer needs, and hardly any text.

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
    `choice_bytes` are UTF-8 lengths of the choices as text. Of a generated answer the reference is the only choice.
    """

    id: str
    prompt: tuple[int, ...]
    choices: tuple[tuple[int, ...], ...]
    gold: int
    fits: bool = True
    choice_bytes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Group:
    """Items that share k demonstrations, their labels' condition and a draw.

    Conditions that ask: `gold`; `permuted`, where the demonstrations' labels are deranged; `flipped`, the same prompts where
    the deranged label counts as right; `nonce`, where made-up words stand for the labels, in demonstrations and choices.
    Conditions that correct the scores of others: `unconditional` (k = 0; the answer's cue without a question, one item for each
    asked one, or one with the id `*` for all) and `content_free` (the group's demonstrations before questions without content).

    `demo_labels` are the demonstrations' answers as shown, in their order, as numbers of the choices; a blind guesser may
    know them. Empty when each item has demonstrations of its own.

    `candidate` numbers the orders of one (k, draw) among which the model chooses: a scorer keeps of them, for all conditions
    alike, the one whose `content_free` items get the most even predictions (entropy of the choices' probabilities), the first
    of equals. None where there is one order.
    """

    k: int
    condition: str
    draw: int
    prefix: tuple[int, ...]
    items: tuple[Item, ...]
    demo_labels: tuple[int, ...] = ()
    candidate: int | None = None


@dataclass(frozen=True)
class Generation:
    """How an answer is written: greedily, until one of the tokens `stop` or `max_tokens` of them."""

    max_tokens: int
    stop: tuple[int, ...]


@dataclass(frozen=True)
class TaskItems:
    """All groups of a task.

    Attributes:
        task: its name in the study, by which readings are called.
        metrics: further readings beside NLL, margin and accuracy, such as `macro_f1` or `bleu`.
        labels: the classes, when all items offer the same choices; else empty.
        generation: of tasks whose answer is written; None for choices.
        references: item id -> texts that count as right, for written answers.
        item_groups: item id -> what it asks about, where several ask about one thing.
        counts: what happened on the way: borders crossed, items that do not fit.
        about: template, selection, order and the like, for people.
        in_text: item id -> sources whose training text holds it; None where nobody looked.
    """

    task: str
    version: int
    shots: tuple[int, ...]
    groups: tuple[Group, ...]
    counts: dict[str, int] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    generation: Generation | None = None
    references: dict[str, tuple[str, ...]] = field(default_factory=dict)
    item_groups: dict[str, str] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    in_text: Mapping[str, tuple[str, ...]] | None = None

    def to_json(self) -> dict[str, Any]:
        """The content of tasks/<name>.json: items that several groups share are written once."""
        sets: dict[tuple[Item, ...], int] = {}
        groups = [{**vars(group), "items": sets.setdefault(group.items, len(sets))} for group in self.groups]
        generation = self.generation and dict(vars(self.generation))
        item_sets = [[dict(vars(item)) for item in items] for items in sets]
        return {**vars(self), "generation": generation, "groups": groups, "item_sets": item_sets}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TaskItems:
        sets = [tuple(_item(item) for item in items) for items in value["item_sets"]]
        generation = value.get("generation")
        return cls(
            task=value["task"],
            version=value["version"],
            shots=tuple(value["shots"]),
            groups=tuple(_group(group, sets) for group in value["groups"]),
            counts=dict(value.get("counts", {})),
            metrics=tuple(value.get("metrics", ())),
            labels=tuple(value.get("labels", ())),
            generation=Generation(generation["max_tokens"], tuple(generation["stop"])) if generation else None,
            references={name: tuple(texts) for name, texts in value.get("references", {}).items()},
            item_groups=dict(value.get("item_groups", {})),
            about=dict(value.get("about", {})),
            in_text=None if (found := value.get("in_text")) is None else {name: tuple(s) for name, s in found.items()},
        )

    @classmethod
    def read(cls, path: Path, vocab_size: int, context: int) -> TaskItems:
        """Read tasks/<name>.json and check that a model of this shape can be asked its items.

        Raises:
            InputError: it cannot be read, or holds tokens or lengths that the model does not take.
        """
        try:
            task_items = cls.from_json(json.loads(path.read_text(encoding="utf8")))
        except (OSError, ValueError) as error:
            raise InputError(str(path), f"cannot be read ({error})", FIX) from error
        except (KeyError, TypeError, IndexError) as error:
            raise InputError(str(path), f"not the items of a task ({type(error).__name__}: {error})", FIX) from error
        task_items.check(str(path), vocab_size, context)
        return task_items

    def check(self, where: str, vocab_size: int, context: int) -> None:
        """Refuse items that a model of this shape cannot be asked.

        Raises:
            InputError: names the item.
        """
        checked: set[tuple[int, int]] = set()  # (items, length of the prefix): thousands of groups share both
        for group in self.groups:
            if not group.prefix or min(group.prefix) < 0 or max(group.prefix) >= vocab_size:
                raise InputError(where, f"a prefix without BOS, or outside a vocabulary of {vocab_size}", FIX)
            key = id(group.items), len(group.prefix)
            if key not in checked:
                checked.add(key)
                for item in group.items:
                    _check(f"{where}, item {item.id}", group, item, vocab_size, context)


def _item(value: Mapping[str, Any]) -> Item:
    return Item(
        id=value["id"],
        prompt=tuple(value["prompt"]),
        choices=tuple(tuple(choice) for choice in value["choices"]),
        gold=value["gold"],
        fits=value.get("fits", True),
        choice_bytes=tuple(value.get("choice_bytes", ())),
    )


def _group(value: Mapping[str, Any], sets: list[tuple[Item, ...]]) -> Group:
    labels = tuple(value.get("demo_labels", ()))
    items = sets[value["items"]]
    candidate = value.get("candidate")
    return Group(value["k"], value["condition"], value["draw"], tuple(value["prefix"]), items, labels, candidate)


def _check(where: str, group: Group, item: Item, vocab_size: int, context: int) -> None:
    if not item.fits:
        return
    if not 0 <= item.gold < len(item.choices) or not all(item.choices):
        raise InputError(where, f"gold {item.gold} of {len(item.choices)} choices, or an empty choice", FIX)
    length = len(group.prefix) + len(item.prompt) + max(map(len, item.choices))
    if length - 1 > context:
        raise InputError(where, f"{length} tokens in a context of {context}", FIX)
    tokens = {*item.prompt, *(token for choice in item.choices for token in choice)}
    if min(tokens) < 0 or max(tokens) >= vocab_size:
        raise InputError(where, f"token {max(tokens)} in a vocabulary of {vocab_size}", FIX)
