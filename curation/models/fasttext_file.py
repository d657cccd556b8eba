"""Whether a file is a whole fastText model. The library itself runs for ever on a truncated dictionary and takes noise for weights.

Source: saveModel and loadModel in https://github.com/facebookresearch/fastText/blob/v0.9.2/src/fasttext.cc and its classes.
"""

from __future__ import annotations

import struct

MAGIC = 793712314
NEWEST_VERSION = 12
CENTROIDS = 256


class NotWhole(ValueError):
    """The file is no fastText model, or not all of one."""


def check(data: bytes) -> None:
    """Walk the parts of a model by the lengths that it states.

    Raises:
        NotWhole: they do not end where the file ends.
    """
    reader = _Reader(data)
    magic, version = reader.take("<ii")
    if magic != MAGIC or version > NEWEST_VERSION:
        raise NotWhole("it does not begin like one")
    reader.take("<12id")  # settings of its training
    size, _, _, _, pruned = reader.take("<iiiqq")
    for _ in range(size):
        reader.skip_word()
    reader.skip(8 * max(pruned, 0))
    (quantised,) = reader.take("<?")
    _skip_matrix(reader, bool(quantised))
    (output_quantised,) = reader.take("<?")
    _skip_matrix(reader, bool(quantised and output_quantised))
    if reader.at != len(data):
        raise NotWhole(f"it goes on for {len(data) - reader.at} bytes behind its end")


def _skip_matrix(reader: _Reader, quantised: bool) -> None:
    if not quantised:
        rows, columns = reader.take("<qq")
        reader.skip(4 * rows * columns)
        return
    has_norms, rows, _, code_bytes = reader.take("<?qqi")
    reader.skip(code_bytes)
    _skip_quantiser(reader)
    if has_norms:
        reader.skip(rows)
        _skip_quantiser(reader)


def _skip_quantiser(reader: _Reader) -> None:
    width, *_ = reader.take("<4i")
    reader.skip(4 * width * CENTROIDS)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def skip(self, n: int) -> None:
        if n < 0 or self.at + n > len(self.data):
            raise NotWhole(f"it ends after {len(self.data)} bytes and should go on")
        self.at += n

    def take(self, form: str) -> tuple[int, ...]:
        start = self.at
        self.skip(struct.calcsize(form))
        return struct.unpack_from(form, self.data, start)

    def skip_word(self) -> None:
        """A word ends with NUL; behind it stand its count and kind."""
        end = self.data.find(b"\0", self.at)
        self.skip(end + 10 - self.at if end >= 0 else len(self.data) + 1)
