"""The probe of the controls: a fresh key->value map shown twice, then one of its keys.

Its tokens look like a control document (`key value key value ...`), so a model trained on one meets nothing new but the
map. Only a model that looks up the earlier place of a key can tell its value from the other values shown.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ablations.core.data.hashing import key_of
from ablations.core.data.items import Group, Item, TaskItems
from ablations.prompts.tasks.base import TaskRow
from ablations.prompts.tasks.map_task import PAIRS, MapTask, free_derangement, other_words, pieces, shown
from curation.runtime.errors import ConfigError
from curation.runtime.identity import seed
from curation.sources.control_texts import KEYS, VALUES
from tokenizer.model import TokenizerModel

WORDS_DRAWN = 64  # keys, and as many values, of the probe under a tokenizer of real text


class ControlMap(MapTask):
    """Value of a key in a map that was shown just now. Chance is 1 in 8; the strongest blind guess is 1 in k."""

    kind: ClassVar[str] = "control_map"
    version: ClassVar[int] = 1
    sample: ClassVar[TaskRow] = {"keys": ["babor", "dedan"], "values": ["nober", "pudil"], "query": 1}
    asked_of_controls: ClassVar[bool] = True

    @classmethod
    def drawn_for(cls, tokenizer: TokenizerModel, n_items: int, base_seed: int) -> TaskItems:
        """The probe of fresh maps in the tokens of this tokenizer: control words, or hashed whole words of real text; where a small
        vocabulary has too few of these, parts of words stand beside them.

        Under a tokenizer of control words there is a nonce condition too, in which unused keys take the place of values.

        Raises:
            ConfigError: the tokenizer has too few pieces that are letters.
        """
        keys, values = pieces(tokenizer, KEYS), pieces(tokenizer, VALUES)
        nonces = keys
        if keys is None or values is None:
            ranked = cls._words(tokenizer)
            keys, values = ranked[: 2 * WORDS_DRAWN : 2], ranked[1 : 2 * WORDS_DRAWN : 2]
            nonces = None
        try:
            return cls.items(keys, values, tokenizer.bos, seed(cls.kind, base_seed), n_items, nonces=nonces or ())
        except ValueError as error:
            raise ConfigError(
                f"task {cls.kind}: {error} Give the tokenizer a larger vocabulary or more text."
            ) from error

    @staticmethod
    def _words(tokenizer: TokenizerModel) -> list[int]:
        """Whole words in a hashed order; behind them, where they are too few, further pieces that are letters."""

        def hashed(pieces: Iterable[int]) -> list[int]:
            return sorted(pieces, key=lambda piece: key_of("control_map", tokenizer.piece(piece)))

        words = hashed(tokenizer.whole_words())
        if len(words) >= 2 * WORDS_DRAWN:
            return words
        return words + hashed(set(tokenizer.letters()) - set(words))

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
        nonces: Sequence[int] = (),
    ) -> TaskItems:
        """Token items, `n_items` in each group of (k, condition).

        Items come in mirrored pairs (ids `<map>.0` and `<map>.1`): what the first shows as gold the second shows as
        permuted, and the other way round, and the second asks for the value that the first calls permuted. Whatever a
        context does to all values alike cancels in the pair's permuted minus gold. And the asked value comes last
        under neither condition (from k = 4 on; at k = 2 it must), so a habit about recent words cancels too. What is
        left is the use of the map.

        The k demos are the first k pairs of a map, shown in this order and then again in a hashed order; the query is
        any shown key but the last. With permuted labels the values are deranged among the shown keys, the same way in
        both rounds; `gold` stays the value of the true map. At k = 1 the query must be the only demo and a single value
        cannot be deranged, so there is only the gold condition; at k = 0 the query is alone after BOS.

        With `nonces` there is a condition more, at the largest k: the gold map with these words in the place of its values.
        A flipped condition would add nothing new: the map is fresh, so neither of a pair's maps is the true one, and what an
        item would be asked as flipped its mirror is asked as gold. `known_map` has one.

        Args:
            keys, values: tokens to draw from, each one whole piece, at least `PAIRS` of each, none in both.
            bos: the first token of every prefix.
            seed: of the maps; an item is a function of (seed, number), so a larger `n_items` only adds items.
            after_key, after_pair: separator tokens, none in control documents.
            nonces: tokens that are no values, such as the keys; those of the item's own map are left out.

        Raises:
            ValueError: too few keys, values or nonces, or a token that is both.
        """
        if min(len(set(keys)), len(set(values))) < PAIRS or set(keys) & set(values):
            raise ValueError(
                f"need {PAIRS} keys and {PAIRS} other values, got {len(set(keys))} and {len(set(values))}."
            )
        maps = [_Map.drawn(keys, values, nonces, seed, n // 2, bool(n % 2)) for n in range(n_items)]
        groups = []
        for k in cls.shots:
            conditions = ["gold", "permuted"] if k >= 2 else ["gold"]
            if nonces and k == max(cls.shots):
                conditions.append("nonce")
            for condition in conditions:
                items = tuple(each.item(k, condition, after_key, after_pair) for each in maps)
                groups.append(Group(k, condition, 0, (bos,), items))
        return TaskItems(cls.kind, cls.version, cls.shots, tuple(groups), {"maps": -(-n_items // 2)})


@dataclass(frozen=True)
class _Map:
    """One map; `mirror` swaps the roles of its true and its permuted values."""

    seed: int
    keys: tuple[int, ...]
    values: tuple[int, ...]
    nonces: tuple[int, ...]
    second_round: tuple[int, ...]  # pairs in the order of the second showing
    mirror: bool

    @classmethod
    def drawn(
        cls, keys: Sequence[int], values: Sequence[int], nonces: Sequence[int], seed: int, number: int, mirror: bool
    ) -> _Map:
        mixed = key_of("control_map", seed, number)
        rng = random.Random(mixed)
        drawn_keys, drawn_values = rng.sample(sorted(set(keys)), PAIRS), rng.sample(sorted(set(values)), PAIRS)
        second = tuple(rng.sample(range(PAIRS), PAIRS))
        words = other_words(nonces, {*drawn_keys, *values}, rng) if nonces else ()
        return cls(mixed, tuple(drawn_keys), tuple(drawn_values), words, second, mirror)

    def item(self, k: int, condition: str, after_key: Sequence[int], after_pair: Sequence[int]) -> Item:
        second = [pair for pair in self.second_round if pair < k]
        rng = random.Random(key_of(self.seed, k))
        query = rng.choice(second[:-1] or [0])
        deranged = free_derangement(k, query, second[-1] if k else 0, rng)
        asked = deranged[query] if self.mirror else query
        words = self.nonces if condition == "nonce" else self.values
        straight = (condition == "permuted") == self.mirror
        pairs = [(self.keys[pair], words[pair if straight else deranged[pair]]) for pair in range(k)]
        prompt = (*shown(pairs, second, after_key, after_pair), self.keys[query], *after_key)
        return Item(f"{self.seed:016x}.{self.mirror:d}", prompt, tuple((word,) for word in words), asked)
