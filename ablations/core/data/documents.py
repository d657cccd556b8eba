"""Documents as tokens: the two files of one token set, read without loading them.

<stem>.bin                    uint16 little endian: documents one after another, each BOS and its pieces
<stem>.documents.safetensors  offsets int64 [n + 1] in tokens, ids uint8 [n, 16], utf8_bytes int64 [n]
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
    """`tokens` is all of them in a row; document i is `tokens[offsets[i] : offsets[i + 1]]`."""

    tokens: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    ids: NDArray[np.uint8]
    utf8_bytes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each document, BOS included."""
        return np.diff(self.offsets)

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
            documents = cls(_mapped(binary), parts["offsets"], parts["ids"], parts["utf8_bytes"])
        except (OSError, SafetensorError) as error:
            raise InputError(str(folder / stem), f"cannot be read ({error})", FIX) from error
        except KeyError as error:
            raise InputError(str(index), f"no array {error}", FIX) from error
        documents._check(str(binary), vocab_size, bos)
        return documents

    def _check(self, where: str, vocab_size: int, bos: int) -> None:
        if len(self.offsets) < 2 or len(self) != len(self.ids) or len(self) != len(self.utf8_bytes):
            found = f"{len(self)} documents, {len(self.ids)} ids and {len(self.utf8_bytes)} byte counts"
            raise InputError(where, found, FIX)
        if self.offsets[0] != 0 or self.offsets[-1] != len(self.tokens) or (self.lengths < 1).any():
            raise InputError(where, f"offsets that do not cover its {len(self.tokens)} tokens", FIX)
        if int(self.tokens.max()) >= vocab_size:
            raise InputError(where, f"token {int(self.tokens.max())} in a vocabulary of {vocab_size}", FIX)
        if wrong := int((self.tokens[self.offsets[:-1]] != bos).sum()):
            raise InputError(where, f"{wrong} documents that do not begin with BOS ({bos})", FIX)


def _mapped(path: Path) -> NDArray[np.uint16]:
    if path.stat().st_size == 0:
        raise OSError(f"{path} is empty")
    return np.memmap(path, dtype="<u2", mode="r")
