"""The probe of the controls: a fresh key->value map shown twice, then one of its keys.

Its tokens look like a control document (`key value key value ...`), so a model trained on one meets nothing new but the
map. Only a model that looks up the earlier place of a key can tell its value from the other values shown.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ablations.core.hashing import key_of
from ablations.core.items import Group, Item, TaskItems
from ablations.core.prompts import derangement
from ablations.core.tasks.base import Example, FewShotTask, Row

PAIRS = 8  # of each map, whatever k: the choices are their values, so chance is 1 in 8 at every k


class ControlMap(FewShotTask):
    """Value of a key in a map that was shown just now. Chance is 1 in 8; the strongest blind guess is 1 in k."""

    kind: ClassVar[str] = "control_map"
    version: ClassVar[int] = 1
    sample: ClassVar[Row] = {"keys": ["babor", "dedan"], "values": ["nober", "pudil"], "query": 1}
    separator: ClassVar[str] = " "

    def example(self, row: Row) -> Example:
        return Example(
            prompt=row["keys"][row["query"]],
            choices=tuple(f" {value}" for value in row["values"]),
            gold=row["query"],
        )

    @classmethod
    def items(
        cls,
        keys: Sequence[int],
        values: Sequence[int],
        bos: int,
        seed: int,
        n_items: int,
        after_key: Sequence[int] = (),
        after_pair: Sequence[int] = (),
    ) -> TaskItems:
        """Token items, `n_items` in each group of (k, condition).

        Items come in mirrored pairs (ids `<map>.0` and `<map>.1`): what the first shows as gold the second shows as
        permuted, and the other way round, and the second asks for the value that the first calls permuted. Whatever a
        context does to all values alike cancels in the pair's permuted minus gold. And the asked value stands last
        under neither condition (from k = 4 on; at k = 2 it must), so a habit about recent words cancels too. What is
        left is the use of the map.

        The k demos are the first k pairs of a map, shown in this order and then again in a hashed order; the query is
        any shown key but the last. With permuted labels the values are deranged among the shown keys, the same way in
        both rounds; `gold` stays the value of the true map. At k = 1 the query must be the only demo and a single value
        cannot be deranged, so there is only the gold condition; at k = 0 the query stands alone after BOS.

        Args:
            keys, values: tokens to draw from, each one whole piece, at least `PAIRS` of each, none in both.
            bos: the first token of every prefix.
            seed: of the maps; an item is a function of (seed, number), so a larger `n_items` only adds items.
            after_key, after_pair: separator tokens, none in control documents.

        Raises:
            ValueError: too few keys or values, or a token that is both.
        """
        if min(len(set(keys)), len(set(values))) < PAIRS or set(keys) & set(values):
            raise ValueError(
                f"need {PAIRS} keys and {PAIRS} other values, got {len(set(keys))} and {len(set(values))}."
            )
        maps = [_Map.drawn(keys, values, seed, number // 2, bool(number % 2)) for number in range(n_items)]
        groups = []
        for k in cls.shots:
            for condition in ("gold", "permuted") if k >= 2 else ("gold",):
                items = tuple(each.item(k, condition == "permuted", after_key, after_pair) for each in maps)
                groups.append(Group(k, condition, 0, (bos,), items))
        return TaskItems(cls.kind, cls.version, cls.shots, tuple(groups), {"maps": -(-n_items // 2)})


@dataclass(frozen=True)
class _Map:
    """One map; `mirror` swaps the roles of its true and its permuted values."""

    seed: int
    keys: tuple[int, ...]
    values: tuple[int, ...]
    second_round: tuple[int, ...]  # pairs in the order of the second showing
    mirror: bool

    @classmethod
    def drawn(cls, keys: Sequence[int], values: Sequence[int], seed: int, number: int, mirror: bool) -> _Map:
        mixed = key_of("control_map", seed, number)
        rng = random.Random(mixed)
        drawn_keys, drawn_values = rng.sample(sorted(set(keys)), PAIRS), rng.sample(sorted(set(values)), PAIRS)
        return cls(mixed, tuple(drawn_keys), tuple(drawn_values), tuple(rng.sample(range(PAIRS), PAIRS)), mirror)

    def item(self, k: int, permuted: bool, after_key: Sequence[int], after_pair: Sequence[int]) -> Item:
        second = [pair for pair in self.second_round if pair < k]
        rng = random.Random(key_of(self.seed, k))
        query = rng.choice(second[:-1] or [0])
        deranged = _derangement(k, query, second[-1] if k else 0, rng)
        asked = deranged[query] if self.mirror else query
        prompt: list[int] = []
        for pair in [*range(k), *second]:
            shown = pair if permuted == self.mirror else deranged[pair]
            prompt += [self.keys[pair], *after_key, self.values[shown], *after_pair]
        choices = tuple((value,) for value in self.values)
        return Item(f"{self.seed:016x}.{self.mirror:d}", (*prompt, self.keys[query], *after_key), choices, asked)


def _derangement(k: int, query: int, last: int, rng: random.Random) -> list[int]:
    """Of the k shown pairs; the value asked for moves neither from nor to the last place, if k leaves the choice."""
    while True:
        moved = derangement(k if k >= 2 else PAIRS, rng)
        if k < 4 or (moved[query] != last and moved[last] != query):
            return moved
