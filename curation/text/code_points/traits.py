"""Properties of code points that the rules of Gopher, C4 and FineWeb ask for, one bit each.

Sources: punctuation as in datatrove 0.10.1, `datatrove/utils/text.py` (tests compare them); white space, line ends, letters and
decimal digits as Python's `str` has them.
"""

from __future__ import annotations

import sys
from functools import cache

import numpy as np
import numpy.typing as npt

from curation.text.code_points import classes

GROUP = 0b11  # two bits: the role of a code point in a word, see WORD_GROUPS
ALPHABETIC = 1 << 2  # str.isalpha
PUNCTUATION = 1 << 3  # Gopher's rules do not count a word that consists of these alone
TERMINAL = 1 << 4  # ends a sentence in some script
SPACE = 1 << 5  # str.isspace
LINE_END = 1 << 6  # str.splitlines breaks here
DECIMAL = 1 << 7  # str.isdecimal, which is what \\d matches

SEPARATES, WORD, ALONE, SIGN = range(4)
WORD_GROUPS = {
    **dict.fromkeys(classes.ALPHANUMERIC, WORD),
    **dict.fromkeys((classes.CODE["han"], classes.CODE["kana"]), ALONE),  # no spaces: each character counts as a word
    **dict.fromkeys((classes.CODE["punctuation"], classes.CODE["symbol"], classes.CODE["other"]), SIGN),
}
SPACES = (
    *((0x09, 0x0D), (0x1C, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029)),
    *((0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)),
)
LINE_ENDS = ((0x0A, 0x0D), (0x1C, 0x1E), (0x85, 0x85), (0x2028, 0x2029))
SIGNS = (
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\u00ab\u00b4\u00bb\u2013\u2014\u2019\u201c\u201d\u201e\u2026\u2236\u2501\u25ba"
)
WIDE_SIGNS = (
    "\u3001\u3002\u3008\u3009\u300a\u300b\u300c\u300d\u3010\u3011"
    "\uff01\uff05\uff08\uff09\uff0c\uff0e\uff11\uff1a\uff1b\uff1f\uff5e"
)
LAST_LETTER = 0x33FFF  # no later code point is a letter or a digit
CONTROLS = ((0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F))
# fmt: off
TERMINALS = (
    (0x0021, 0x0021), (0x002E, 0x002E), (0x003F, 0x003F), (0x0589, 0x0589), (0x061D, 0x061F), (0x06D4, 0x06D4),
    (0x0700, 0x0702), (0x07F9, 0x07F9), (0x0837, 0x0837), (0x0839, 0x0839), (0x083D, 0x083E), (0x0964, 0x0965),
    (0x104A, 0x104B), (0x1362, 0x1362), (0x1367, 0x1368), (0x166E, 0x166E), (0x1735, 0x1736), (0x17D4, 0x17D6),
    (0x17D9, 0x17DA), (0x1803, 0x1803), (0x1809, 0x1809), (0x1944, 0x1945), (0x1AA8, 0x1AAB), (0x1B5A, 0x1B5B),
    (0x1B5E, 0x1B5F), (0x1B7D, 0x1B7E), (0x1C3B, 0x1C3C), (0x1C7E, 0x1C7F), (0x203C, 0x203D), (0x2047, 0x2049),
    (0x2E2E, 0x2E2E), (0x2E3C, 0x2E3C), (0x2E53, 0x2E54), (0x3002, 0x3002), (0xA4FF, 0xA4FF), (0xA60E, 0xA60F),
    (0xA6F3, 0xA6F3), (0xA6F7, 0xA6F7), (0xA876, 0xA877), (0xA8CE, 0xA8CF), (0xA92F, 0xA92F), (0xA9C8, 0xA9C9),
    (0xAA5D, 0xAA5F), (0xAAF0, 0xAAF1), (0xABEB, 0xABEB), (0xFE52, 0xFE52), (0xFE56, 0xFE57), (0xFF01, 0xFF01),
    (0xFF0E, 0xFF0E), (0xFF1F, 0xFF1F), (0xFF61, 0xFF61), (0x10A56, 0x10A57), (0x10F55, 0x10F59), (0x10F86, 0x10F89),
    (0x11047, 0x11048), (0x110BE, 0x110C1), (0x11141, 0x11143), (0x111C5, 0x111C6), (0x111CD, 0x111CD),
    (0x111DE, 0x111DF), (0x11238, 0x11239), (0x1123B, 0x1123C), (0x112A9, 0x112A9), (0x1144B, 0x1144C),
    (0x115C2, 0x115C3), (0x115C9, 0x115D7), (0x11641, 0x11642), (0x1173C, 0x1173E), (0x11944, 0x11944),
    (0x11946, 0x11946), (0x11A42, 0x11A43), (0x11A9B, 0x11A9C), (0x11C41, 0x11C42), (0x11EF7, 0x11EF8),
    (0x11F43, 0x11F44), (0x16A6E, 0x16A6F), (0x16AF5, 0x16AF5), (0x16B37, 0x16B38), (0x16B44, 0x16B44),
    (0x16E98, 0x16E98), (0x1BC9F, 0x1BC9F), (0x1DA88, 0x1DA88),
)
# fmt: on


@cache
def table() -> npt.NDArray[np.uint8]:
    """The bits of every code point, shape (0x110000,), made once a process."""
    groups = np.zeros(len(classes.NAMES), np.uint8)
    groups[list(WORD_GROUPS)] = list(WORD_GROUPS.values())
    bits = groups[classes.table()]
    assigned = "".join(map(chr, range(LAST_LETTER + 1)))
    for property_, bit in ((str.isalpha, ALPHABETIC), (str.isdecimal, DECIMAL)):
        bits[: len(assigned)] |= np.fromiter(map(property_, assigned), np.uint8, len(assigned)) * np.uint8(bit)
    marked = {SPACE: SPACES, LINE_END: LINE_ENDS, TERMINAL: TERMINALS, PUNCTUATION: (*TERMINALS, *CONTROLS)}
    for bit, ranges in marked.items():
        for first, last in ranges:
            bits[first : last + 1] |= bit
    bits[[ord(sign) for sign in SIGNS + WIDE_SIGNS]] |= PUNCTUATION
    assert bits.size == sys.maxunicode + 1
    return bits
