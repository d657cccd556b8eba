"""Random tokens in which one passage comes twice, at a distance of its own in each sequence.

Each sequence is BOS and then pieces drawn uniformly from all but the special ones. A passage of a quarter of it is shown again
later; how much later is drawn for each sequence, without putting back, and so is where it stands, so that looking back by a fixed
number of places finds nothing but in one sequence.
Shapes: B sequences, T tokens, L of the passage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.evaluation_data import EvaluationData
from ablations.core.data.hashing import hash_numbers, key_of

PARTS = 4  # of a sequence, one of which is the passage
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Repeats:
    """Sequences with where their passages begin: token `first_B` + i is token `second_B` + i, for i below `length`."""

    tokens_BT: NDArray[np.int64]
    first_B: NDArray[np.int64]
    second_B: NDArray[np.int64]
    length: int

    @property
    def distance_B(self) -> NDArray[np.int64]:
        """Places from a token of the first showing to its copy."""
        distances: NDArray[np.int64] = self.second_B - self.first_B
        return distances

    def places(self, starts_B: NDArray[np.int64]) -> Mask:
        """The places of a showing, shape (B, T)."""
        places_T = np.arange(self.tokens_BT.shape[1])
        return (places_T >= starts_B[:, None]) & (places_T < starts_B[:, None] + self.length)

    def of_showing(self, values_BT: NDArray[np.float64], starts_B: NDArray[np.int64]) -> NDArray[np.float64]:
        """Values of every token of a showing but the first, which no copy can tell: shape (B, L - 1)."""
        return np.stack([row[s + 1 : s + self.length] for row, s in zip(values_BT, starts_B.tolist(), strict=True)])


def passage_length(context: int) -> int:
    """Tokens of the passage."""
    return (context - 1) // PARTS


def repeats(data: EvaluationData) -> Repeats:
    """The sequences of a cell. Sequence i depends on (seed, i) alone, so that fewer sequences are the first of more."""
    pieces = np.setdiff1d(np.arange(data.vocab_size), data.specials)
    room, length = data.context - 1, passage_length(data.context)
    distances = drawn_distances(room, length, data.seed)
    rows, first, second = [], [], []
    for number in range(data.sequences):
        row = pieces[hash_numbers(room, "repeated", data.seed, number) % np.uint64(len(pieces))]
        distance = int(distances[number % len(distances)])
        start = key_of("start", data.seed, number) % (room - length - distance + 1)
        row[start + distance : start + distance + length] = row[start : start + length]
        rows.append([data.bos, *row.tolist()])
        first.append(start + 1)
        second.append(start + 1 + distance)
    return Repeats(np.array(rows, np.int64), np.array(first), np.array(second), length)


def drawn_distances(room: int, length: int, seed: int) -> NDArray[np.int64]:
    """Every distance at which two showings of a passage fit, in a drawn order: int64 [room - 2 * length + 1]."""
    fitting = room - 2 * length + 1
    return length + np.argsort(hash_numbers(fitting, "distances", seed), kind="stable").astype(np.int64)
