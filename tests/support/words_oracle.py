"""Words as `curation.text.kernels.words` finds them, slowly and in plain Python."""

from __future__ import annotations

import string

from curation.text.code_points import traits

QUOTE_S = ("'s", "'S", "\u2019s", "\u2019S")
PREFIXES = set("!\"#$%&'()*,:;<=>?[]_`{}")
SUFFIXES = PREFIXES - set("$%=")
Spans = list[tuple[int, int]]


def group(char: str) -> int:
    return int(traits.table()[ord(char)]) & traits.GROUP


def is_letter(char: str) -> bool:
    return group(char) == traits.WORD and not char.isdecimal()


def is_capital(char: str) -> bool:
    return "A" <= char <= "Z"


def is_sign(char: str) -> bool:
    return group(char) == traits.SIGN


def is_prefix(chunk: str, i: int) -> bool:
    char, after = chunk[i], chunk[i + 1 : i + 2]
    if not is_sign(char):
        return False
    if not char.isascii() or char in PREFIXES:
        return True
    return not after.isdecimal() if char == "+" else char == after == "."


def is_suffix(chunk: str, i: int, first: int) -> bool:
    char = chunk[i]
    if not is_sign(char):
        return False
    if not char.isascii() or char in SUFFIXES:
        return True
    if i == first:
        return False
    before = chunk[i - 1]
    if char in "+$%":
        return before.isdecimal()
    if char != ".":
        return False
    if is_capital(before):
        return i - 1 > first and is_capital(chunk[i - 2])
    return not is_sign(before) or before in SUFFIXES or before in "%-+." or not before.isascii()


def infix(word: str, i: int) -> int:
    """How many characters from i on are a token of their own within a word; 0 if the word goes on."""
    char, before, after = word[i], word[i - 1 : i], word[i + 1 : i + 2]
    if group(char) == traits.ALONE or char == "\u2026":
        return 1
    if char == after == ".":
        return len(word) - i - len(word[i:].lstrip("."))
    if not is_sign(char) or not before or not after:
        return 0
    if traits.ALONE in (group(before), group(after)):
        return 1
    if char in "+-*^" and before.isdecimal() and (after.isdecimal() or after == "-"):
        return 1
    splits = {
        ".": is_letter(before) and not is_capital(before) and is_capital(after),
        ",": is_letter(before) and is_letter(after),
        **dict.fromkeys("-~:<>=/\u2013\u2014", group(before) == traits.WORD and is_letter(after)),
    }
    return int(splits.get(char, False))


def signs_of(chunk: str, i: int, end: int) -> Spans:
    """One token each, but dots in a row and "'s" together."""
    found = []
    while i < end:
        dots = len(chunk[i:end]) - len(chunk[i:end].lstrip("."))
        size = dots or (2 if chunk[i : min(i + 2, end)] in QUOTE_S else 1)
        found.append((i, i + size))
        i += size
    return found


def parts_of(word: str) -> Spans:
    """A word without its prefixes and suffixes, taken apart."""
    if not word or word.lstrip(string.ascii_letters).startswith("://"):
        return [(0, len(word))] if word else []
    found, start, i = [], 0, 0
    while i < len(word):
        size = infix(word, i)
        if size:
            found += [(start, i)] * (start < i) + [(i, i + size)]
            i += size
            start = i
        else:
            i += 1
    return found + [(start, len(word))] * (start < len(word))


def tokens_of(chunk: str) -> Spans:
    """The tokens of what stands between white space."""
    first, last = 0, len(chunk)
    while first < last and is_prefix(chunk, first):
        first += 1
    while last > first:
        if is_suffix(chunk, last - 1, first):
            last -= 1
        elif last - first > 2 and chunk[last - 2 : last] in QUOTE_S:
            last -= 2
        else:
            break
    inner = [(first + a, first + b) for a, b in parts_of(chunk[first:last])]
    return signs_of(chunk, 0, first) + inner + signs_of(chunk, last, len(chunk))


def words_oracle(text: str) -> list[tuple[int, int, bool]]:
    """(start, end, is it a word) of every token."""
    found, i = [], 0
    while i < len(text):
        end = i
        while end < len(text) and group(text[end]) != traits.SEPARATES:
            end += 1
        for a, b in tokens_of(text[i:end]):
            letters = any(group(char) in (traits.WORD, traits.ALONE) for char in text[i + a : i + b])
            found.append((i + a, i + b, letters))
        i = end + 1
    return found
