"""What the probes of the controls share: a map of keys to values shown twice, then one of its keys."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from ablations.core.data.items import TaskItems
from ablations.prompts.tasks.base import Example, FewShotTask, TaskRow
from ablations.prompts.tasks.conditions import derangement
from tokenizer.model import TokenizerModel

PAIRS = 8  # of each map, whatever k: the choices are their values, so chance is 1 in 8 at every k


class MapTask(FewShotTask, ABC):
    """A task whose items are drawn from words, not read from rows; templates have no part in it.

    Attributes:
        asked_of_controls: every control arm is asked it, whatever the study names.
    """

    asked_of_controls: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def drawn_for(cls, tokenizer: TokenizerModel, n_items: int, base_seed: int) -> TaskItems:
        """The probe in the tokens of a tokenizer.

        Raises:
            ConfigError: the tokenizer lacks words for it.
        """

    def example(self, row: TaskRow) -> Example:
        return Example(
            prompt=row["keys"][row["query"]],
            choices=tuple(f" {value}" for value in row["values"]),
            gold=row["query"],
        )

    @classmethod
    def check(cls) -> None:
        """Nothing can be missing: there are neither templates nor rows."""


def pieces(tokenizer: TokenizerModel, words: Sequence[str]) -> list[int] | None:
    """The piece of each word; None unless all are whole pieces."""
    whole = [piece for word in words if (piece := tokenizer.single_piece(word)) is not None]
    return whole if len(whole) == len(words) else None


def shown(
    pairs: Sequence[tuple[int, int]], second: Sequence[int], after_key: Sequence[int], after_pair: Sequence[int]
) -> list[int]:
    """Tokens of all pairs, and of the pairs at the places `second` again."""
    prompt: list[int] = []
    for place in [*range(len(pairs)), *second]:
        key, value = pairs[place]
        prompt += [key, *after_key, value, *after_pair]
    return prompt


def free_derangement(k: int, query: int, last: int, rng: random.Random) -> list[int]:
    """Of the k shown pairs; the value asked for moves neither from nor to the last place, if k leaves the choice."""
    while True:
        moved = derangement(k if k >= 2 else PAIRS, rng)
        if k < 4 or (moved[query] != last and moved[last] != query):
            return moved


def other_words(nonces: Sequence[int], taken: set[int], rng: random.Random) -> tuple[int, ...]:
    """As many words as a map has pairs, none of those taken.

    Raises:
        ValueError: there are not so many.
    """
    free = sorted(set(nonces) - taken)
    if len(free) < PAIRS:
        raise ValueError(f"need {PAIRS} nonce words beside a map's own keys and all values, got {len(free)}.")
    return tuple(rng.sample(free, PAIRS))
