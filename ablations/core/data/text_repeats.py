"""Tokens of real text that repeat something from earlier in their window, and the same window with that earlier place changed.

A repeat is a token that came once before in its window, at least `LEAST_DISTANCE` tokens earlier, behind the same token as now:
`... the Ouse ... the Ouse`. Two changes of the window ask what a model makes of it:

`content`: the earlier token is another one of its frequency class, that the window does not hold. Whatever a model knows from
having seen the token, in any order, it then does not know.
`order`: the token before the earlier one changes places with another token of the window. All tokens are still there; what is
gone is that this one followed that one, which is what copying from context goes by.

Shapes: N repeats, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.hashing import hash_ids, key_of

LEAST_DISTANCE = 8
LEAST_COUNT = 1  # a frequency class is a power of two of a token's count
Tokens = NDArray[np.int64]
Place = tuple[int, int]  # of a token, and of its earlier occurrence


@dataclass(frozen=True)
class Repeat:
    """Token `place` of a window repeats token `earlier`; what stands before both is the same.

    `instead` takes the earlier token's place; `exchanged` is the place that changes with the one before it.
    """

    document: int
    place: int
    earlier: int
    instead: int
    exchanged: int

    def changed(self, tokens_T: Tokens) -> tuple[Tokens, Tokens]:
        """The window up to the repeat with other content, and in another order."""
        plain = tokens_T[: self.place + 1]
        content, order = plain.copy(), plain.copy()
        content[self.earlier] = self.instead
        order[[self.earlier - 1, self.exchanged]] = order[[self.exchanged, self.earlier - 1]]
        return content, order


class FrequencyClasses:
    """Tokens by the power of two of their counts in a text.

    Args:
        counts_V: how often each token comes.
        specials: tokens that are no content.
    """

    def __init__(self, counts_V: NDArray[np.int64], specials: Sequence[int]) -> None:
        usable = counts_V.copy()
        usable[list(specials)] = 0
        self.class_V = np.where(usable >= LEAST_COUNT, np.floor(np.log2(np.maximum(usable, 1))), -1).astype(np.int64)
        self.members = {
            int(number): np.flatnonzero(self.class_V == number) for number in np.unique(self.class_V) if number >= 0
        }

    def other(self, token: int, taken: NDArray[np.int64], draw: int) -> int | None:
        """Another token of a token's class, or of the nearest one that has any, none of those taken."""
        wanted = int(self.class_V[token])
        for number in sorted(self.members, key=lambda each: (abs(each - wanted), each)):
            free = np.setdiff1d(self.members[number], taken)
            if len(free):
                return int(free[draw % len(free)])
        return None


def repeats_of(
    tokens_T: Tokens, document: int, places: Sequence[Place], key: int, classes: FrequencyClasses
) -> Iterator[Repeat]:
    """The repeats of a window, whose first token is BOS, in a hashed order; `places` are its `repeated_places`."""
    for place, earlier in sorted(places, key=lambda pair: key_of("repeat", key, pair[0])):
        draw = key_of("change", key, place)
        instead = classes.other(int(tokens_T[earlier]), tokens_T, draw)
        free = _exchangeable(tokens_T, place, earlier)
        if instead is not None and len(free):
            yield Repeat(document, place, earlier, instead, int(free[draw % len(free)]))


def repeated_places(tokens_T: Tokens) -> list[Place]:
    """Places of tokens with one earlier occurrence, behind the same token; and the place of that."""
    before: dict[int, list[int]] = {}
    found = []
    for place, token in enumerate(tokens_T.tolist()):
        seen = before.setdefault(token, [])
        once = len(seen) == 1 and place - seen[0] >= LEAST_DISTANCE and seen[0] >= 2
        if once and tokens_T[seen[0] - 1] == tokens_T[place - 1]:
            found.append((place, seen[0]))
        seen.append(place)
    return found


def _exchangeable(tokens_T: Tokens, place: int, earlier: int) -> NDArray[np.int64]:
    """Places whose token can change with the one before the earlier occurrence: not near either, and another token."""
    places = np.arange(1, place - 2)
    far = np.abs(places - earlier) > 2
    other = tokens_T[places] != tokens_T[earlier - 1]
    return np.asarray(places[far & other])


def document_keys(ids_N: NDArray[np.uint8], seed: int) -> list[int]:
    """What the choices within each document follow from."""
    return [int(key) for key in hash_ids(ids_N, "text repeats", seed)]
