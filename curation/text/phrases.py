"""Several phrases searched in one walk over a text. Source: Aho and Corasick 1975, doi:10.1145/360825.360855."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SYMBOLS = 128


@dataclass(frozen=True)
class Phrases:
    """A compiled set of phrases for the kernels.

    Attributes:
        following: the next state, shape (states * 128,): `following[128 * state + code]`; any other code point leads to state 0.
        bits: the united bits of the phrases that end in a state, shape (states,).
    """

    following: npt.NDArray[np.uint8]
    bits: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, bit_of: Mapping[str, int]) -> Phrases:
        """From phrase -> bit, in lower-case ASCII; the reader folds the text's case.

        Raises:
            ValueError: a phrase is empty or not ASCII, or all together are too long for 256 states.
        """
        children: list[dict[int, int]] = [{}]
        bits = [0]
        for phrase, bit in bit_of.items():
            if not phrase or not phrase.isascii():
                raise ValueError(f"{phrase!r} cannot be searched. Give a phrase of ASCII characters.")
            state = 0
            for code in phrase.encode():
                if code not in children[state]:
                    children[state][code] = len(children)
                    children.append({})
                    bits.append(0)
                state = children[state][code]
            bits[state] |= bit
        if len(children) > 256:
            raise ValueError(f"the phrases need {len(children)} states, 256 are possible. Leave some out.")
        return cls(_following(children, bits), np.array(bits, np.uint8))


def _following(children: list[dict[int, int]], bits: list[int]) -> npt.NDArray[np.uint8]:
    """Every state's successors, breadth first, so that the shorter state to fall back to is complete; completes `bits`."""
    following = np.zeros((len(children), SYMBOLS), np.uint8)
    fallback = [0] * len(children)
    queue = deque([0])
    while queue:
        state = queue.popleft()
        bits[state] |= bits[fallback[state]]
        following[state] = following[fallback[state]]
        for code, child in children[state].items():
            fallback[child] = int(following[state, code]) if state else 0
            following[state, code] = child
            queue.append(child)
    return following.ravel()
