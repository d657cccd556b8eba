"""The probe that separates recognising from learning: pairs of a map that a model may know by heart, shown true and shown false.

The map is the one of the `encyclopedia` control. A model that knows it answers without demonstrations and answers the known value
even when the context says otherwise; a model that learns from context answers what the context says, with any words.
Conditions after Pan et al. 2023, "What In-Context Learning 'Learns' In-Context", https://arxiv.org/abs/2305.09731 (theirs are
gold, random and abstract labels), and Wei et al. 2023, https://arxiv.org/abs/2303.03846 (flipped labels).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ablations.core.data.hashing import key_of
from ablations.core.data.items import Group, Item, TaskItems
from ablations.prompts.tasks.base import TaskRow
from ablations.prompts.tasks.map_task import PAIRS, MapTask, free_derangement, other_words, pieces, shown
from curation.runtime.errors import ConfigError
from curation.runtime.identity import seed
from curation.sources.control_texts import FIXED_MAP, KEYS, VALUES
from tokenizer.model import TokenizerModel

CONDITIONS = ("gold", "permuted", "flipped", "nonce")


class KnownMap(MapTask):
    """Value of a key in a map that is the same for all items: as known, and as the context has it. Chance is 1 in 8."""

    kind: ClassVar[str] = "known_map"
    version: ClassVar[int] = 1
    sample: ClassVar[TaskRow] = {"keys": ["babor", "dedan"], "values": ["nober", "pudil"], "query": 1}
    shots: ClassVar[tuple[int, ...]] = (0, 8)
    asked_of_controls: ClassVar[bool] = True

    @classmethod
    def drawn_for(cls, tokenizer: TokenizerModel, n_items: int, base_seed: int) -> TaskItems:
        """The probe of the encyclopedia's map: only under the tokenizer of the controls, for no real text holds this map.

        Raises:
            ConfigError: control words are not whole pieces of this tokenizer.
        """
        keys, values = pieces(tokenizer, KEYS), pieces(tokenizer, VALUES)
        if keys is None or values is None:
            raise ConfigError(
                f"task {cls.kind}: its words are no whole pieces of this tokenizer, so no model knows its map. "
                "Ask it of the control arms alone."
            )
        numbers = dict(zip((*KEYS, *VALUES), (*keys, *values), strict=True))
        known = {numbers[key]: numbers[value] for key, value in FIXED_MAP.items()}
        return cls.items(known, keys, tokenizer.bos, seed(cls.kind, base_seed), n_items)

    @classmethod
    def items(cls, known: Mapping[int, int], nonces: Sequence[int], bos: int, seed: int, n_items: int) -> TaskItems:
        """Token items, `n_items` in each group of (k, condition).

        The k demos are pairs of the map, shown twice in two orders; the query is any shown key but the last. Conditions: `gold`,
        the true pairs; `permuted`, the same words with the values deranged, alike in both rounds, and the true value asked for;
        `flipped`, the same prompts, and the value shown with the key asked for; `nonce`, true pairs with other words in the place
        of values, in prompt and choices. At k = 0 there is only `gold`.

        Items come in mirrored pairs (ids `<draw>.0` and `<draw>.1`): the values that the first shows in turn under gold are those
        that the second shows under permuted, and the other way round, so habits about values at places cancel in the
        pair's permuted minus gold. No asked value comes last.

        Args:
            known: key token -> value token, at least `PAIRS` of them, each value once.
            nonces: tokens that are no values, such as the keys; those of the item's own pairs are left out.
            bos: the first token of every prefix.
            seed: of the draws; an item is a function of (seed, number), so a larger `n_items` only adds items.

        Raises:
            ValueError: too few pairs or nonces, or a value that two keys share.
        """
        if len(known) < PAIRS or len(set(known.values())) < len(known) or set(known) & set(known.values()):
            raise ValueError(f"need at least {PAIRS} keys with a value of their own each, got {len(known)}.")
        draws = [_Draw.drawn(known, nonces, seed, number // 2, bool(number % 2)) for number in range(n_items)]
        groups = [
            Group(k, condition, 0, (bos,), tuple(draw.item(k, condition) for draw in draws))
            for k in cls.shots
            for condition in (CONDITIONS if k else CONDITIONS[:1])
        ]
        about = {"values": len(known)}
        return TaskItems(cls.kind, cls.version, cls.shots, tuple(groups), {"draws": -(-n_items // 2)}, about=about)


@dataclass(frozen=True)
class _Draw:
    """Some pairs of the map; `mirror` shows them in the order that their deranged values have in the other item."""

    seed: int
    keys: tuple[int, ...]
    values: tuple[int, ...]
    nonces: tuple[int, ...]
    second_round: tuple[int, ...]  # places in the order of the second showing
    mirror: bool

    @classmethod
    def drawn(cls, known: Mapping[int, int], nonces: Sequence[int], seed: int, number: int, mirror: bool) -> _Draw:
        mixed = key_of("known_map", seed, number)
        rng = random.Random(mixed)
        keys = rng.sample(sorted(known), PAIRS)
        second = tuple(rng.sample(range(PAIRS), PAIRS))
        words = other_words(nonces, {*keys, *known.values()}, rng)
        return cls(mixed, tuple(keys), tuple(known[key] for key in keys), words, second, mirror)

    def item(self, k: int, condition: str) -> Item:
        second = [place for place in self.second_round if place < k]
        rng = random.Random(key_of(self.seed, k))
        query = rng.choice(second[:-1] or [0])
        deranged = free_derangement(k, query, second[-1] if k else 0, rng)
        name = f"{self.seed:016x}.{self.mirror:d}"
        if k == 0:  # the mirror asks another key, or it would be the same item again
            asked = deranged[query] if self.mirror else query
            return Item(name, (self.keys[asked],), self._choices(self.values), asked)
        straight, moved = list(range(k)), deranged[:k]
        own, other = (moved, straight) if self.mirror else (straight, moved)
        words = self.nonces if condition == "nonce" else self.values
        of_values = other if condition in {"permuted", "flipped"} else own
        pairs = [(self.keys[a], words[b]) for a, b in zip(own, of_values, strict=True)]
        right = of_values[own.index(query)] if condition == "flipped" else query
        return Item(name, (*shown(pairs, second, (), ()), self.keys[query]), self._choices(words), right)

    def _choices(self, words: Sequence[int]) -> tuple[tuple[int, ...], ...]:
        return tuple((word,) for word in words)
