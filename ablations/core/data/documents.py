"""Documents as tokens: the two files of one token set, read without loading them.

<stem>.bin                    uint16 little endian: documents one after another, each BOS and its pieces
<stem>.documents.safetensors  offsets int64 [n + 1] in tokens, ids uint8 [n, 16], utf8_bytes int64 [n]

A set that travels may hold the tokens of some documents alone. Its index speaks of all, since a share of a source is a share of
all its tokens: it has lengths int64 [n] besides, and the offsets of a document whose tokens stayed behind are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from curation.runtime.errors import InputError

FIX = "Encode the documents again."


@dataclass(frozen=True)
class Documents:
    """`tokens` is all of them in a row; document i is `tokens[offsets[i] : offsets[i + 1]]`.

    `told_lengths`: those of the index, where tokens of some documents stayed behind.
    """

    tokens: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    ids: NDArray[np.uint8]
    utf8_bytes: NDArray[np.int64]
    told_lengths: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each document, BOS included, also of one whose tokens stayed behind."""
        return np.diff(self.offsets) if self.told_lengths is None else self.told_lengths

    def of(self, index: int) -> NDArray[np.uint16]:
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    @classmethod
    def read(cls, folder: Path, stem: str, vocab_size: int, bos: int) -> Documents:
        """Open a token set and check that its parts fit one another, the vocabulary and BOS.

        Raises:
            InputError: a file is missing or does not fit.
        """
        index, binary = folder / f"{stem}.documents.safetensors", folder / f"{stem}.bin"
        try:
            parts = load_file(index)
            columns = parts["offsets"], parts["ids"], parts["utf8_bytes"]
            documents = cls(_mapped(binary), *columns, parts.get("lengths"))
        except (OSError, SafetensorError) as error:
            raise InputError(str(folder / stem), f"cannot be read ({error})", FIX) from error
        except KeyError as error:
            raise InputError(str(index), f"no array {error}", FIX) from error
        documents._check(str(binary), vocab_size, bos)
        return documents

    def _check(self, where: str, vocab_size: int, bos: int) -> None:
        columns = self.ids, self.utf8_bytes, self.lengths
        if len(self.offsets) < 2 or any(len(self) != len(column) for column in columns):
            ids, byte_counts, lengths = (len(column) for column in columns)
            found = f"{len(self)} documents, {ids} ids, {byte_counts} byte counts and {lengths} lengths"
            raise InputError(where, found, FIX)
        here = np.diff(self.offsets)
        present = here > 0
        covered = self.offsets[0] == 0 and self.offsets[-1] == len(self.tokens) and (here >= 0).all()
        if not covered or (self.lengths < 1).any() or (here[present] != self.lengths[present]).any():
            raise InputError(where, f"offsets that do not cover its {len(self.tokens)} tokens", FIX)
        if int(self.tokens.max()) >= vocab_size:
            raise InputError(where, f"token {int(self.tokens.max())} in a vocabulary of {vocab_size}", FIX)
        if wrong := int((self.tokens[self.offsets[:-1][present]] != bos).sum()):
            raise InputError(where, f"{wrong} documents that do not begin with BOS ({bos})", FIX)


def _mapped(path: Path) -> NDArray[np.uint16]:
    if path.stat().st_size == 0:
        raise OSError(f"{path} is empty")
    return np.memmap(path, dtype="<u2", mode="r")
