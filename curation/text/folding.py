"""The folded form in which two texts are compared when only their letters count: letters and digits, in lower case.

Spaces, line breaks, punctuation and symbols are left out. Source: OpenAI 2023, https://arxiv.org/abs/2303.08774, appendix C
("we remove all spaces and symbols, keeping only characters (including numbers)").
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from curation.text.code_points import classes

Table = npt.NDArray[np.uint32]
_LAST_WITH_CASE = 0x1F000  # no code point above it has another case


@cache
def letters_table() -> Table:
    """Folded code point of each code point, 0 for those that are left out; shape (0x110000,)."""
    table = _only((*classes.ALPHANUMERIC,))
    for point in np.flatnonzero(table[:_LAST_WITH_CASE]):
        lower = chr(point).lower()
        if len(lower) == 1:  # a fold that changes the length would shift positions
            table[point] = ord(lower)
    return table


@cache
def visible_table() -> Table:
    """Each code point itself, 0 for white space and controls: for texts without a letter, such as "...." or "^^"."""
    unseen = {*classes.WHITE, classes.CODE["control"]}
    return _only(tuple(code for code in range(len(classes.NAMES)) if code not in unseen))


def _only(wanted: tuple[int, ...]) -> Table:
    points = np.arange(classes.table().size, dtype=np.uint32)
    return np.where(np.isin(classes.table(), wanted), points, np.uint32(0))


def folded(text: str) -> str:
    """The letters and digits of a text in lower case; of a text without any, its visible characters."""
    return _mapped(text, letters_table()) or _mapped(text, visible_table())


def _mapped(text: str, table: Table) -> str:
    points = table[np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)]
    return points[points > 0].tobytes().decode("utf-32-le", "surrogatepass")
