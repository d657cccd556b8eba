"""Compiled loops that find words: what stands between white space, without the signs around it.

Words of scripts with spaces are found as spaCy's English tokenizer finds them, its lists of abbreviations, contractions and units
aside, so that thresholds which others chose on its words hold. Source: spaCy 3.8, `spacy/lang/punctuation.py`.
"""

from __future__ import annotations

import numpy as np

from curation.text.code_points import traits as bits
from curation.text.kernels.compiling import Bytes, Codes, Places, Positions, compiled

GROUP = np.uint8(bits.GROUP)
WORD, SIGN, ALONE = np.uint8(bits.WORD), np.uint8(bits.SIGN), np.uint8(bits.ALONE)
DECIMAL = np.uint8(bits.DECIMAL)


def _ascii(chars: str) -> Bytes:
    table = np.zeros(128, np.uint8)
    table[[ord(char) for char in chars]] = 1
    return table


PREFIXES = _ascii("!\"#$%&'()*,:;<=>?[]_`{}")  # tokens of their own before a word
SUFFIXES = _ascii("!\"#&'()*,:;<>?[]_`{}")  # and behind one; other signs than ASCII's always
BETWEEN = _ascii("-~:<>=/")  # between two letters, or a digit and a letter
BETWEEN_DIGITS = _ascii("+-*^")
DOT, PLUS, MINUS, DOLLAR, PERCENT, COMMA, COLON, SLASH = (ord(char) for char in ".+-$%,:/")
ELLIPSIS, EN_DASH, EM_DASH, APOSTROPHE = 0x2026, 0x2013, 0x2014, 0x2019


@compiled("boolean(uint32[::1], int64)")
def _is_capital(codes: Codes, i: int) -> bool:
    return bool(0x41 <= codes[i] <= 0x5A)


@compiled("boolean(uint8)")
def _is_letter(trait: np.uint8) -> bool:
    """Part of a word and no digit: the marks of Thai or Hindi are letters here."""
    return bool((trait & GROUP) == WORD and not trait & DECIMAL)


@compiled("boolean(uint32[::1], uint8[::1], int64)")
def _is_prefix(codes: Codes, traits: Bytes, i: int) -> bool:
    """Whether the sign at i, which stands before a word of the chunk, is a token of its own."""
    code = codes[i]
    if code >= 0x80 or PREFIXES[code]:
        return True
    if code == PLUS:
        return not (i + 1 < codes.size and traits[i + 1] & DECIMAL)
    return bool(code == DOT and i + 1 < codes.size and codes[i + 1] == DOT)


@compiled("boolean(uint32[::1], uint8[::1], int64, int64)")
def _is_suffix(codes: Codes, traits: Bytes, i: int, first: int) -> bool:
    """Whether the sign at i, which stands behind a word that begins at `first`, is a token of its own."""
    code = codes[i]
    if code >= 0x80 or SUFFIXES[code]:
        return True
    if i == first:
        return False
    before = codes[i - 1]
    if code in (PLUS, DOLLAR, PERCENT):
        return bool(traits[i - 1] & DECIMAL)
    if code != DOT:
        return False
    if _is_capital(codes, i - 1):  # U.S. and J. keep their stop only after a single capital
        return i - 1 > first and _is_capital(codes, i - 2)
    if (traits[i - 1] & GROUP) != SIGN or before in (PERCENT, MINUS, PLUS, DOT):
        return True
    return bool(before >= 0x80 or SUFFIXES[before])


@compiled("int64(uint32[::1], int64)")
def _dots(codes: Codes, i: int) -> int:
    """How many full stops follow each other from i on."""
    n = 0
    while i + n < codes.size and codes[i + n] == DOT:
        n += 1
    return n


@compiled("int64(uint32[::1], uint8[::1], int64)")
def _infix(codes: Codes, traits: Bytes, i: int) -> int:
    """How many characters from i on are a token of their own within a word; 0 if the word goes on. Slices of the word."""
    code = codes[i]
    if (traits[i] & GROUP) == ALONE or code == ELLIPSIS:
        return 1
    if code == DOT and i + 1 < codes.size and codes[i + 1] == DOT:
        return _dots(codes, i)
    if i == 0 or i + 1 == codes.size:
        return 0
    before, after = traits[i - 1], traits[i + 1]
    letters = _is_letter(before), _is_letter(after)
    if (before & GROUP) == ALONE or (after & GROUP) == ALONE:
        return 1
    if code == DOT:
        return int(letters[0] and not _is_capital(codes, i - 1) and _is_capital(codes, i + 1))
    if code == COMMA:
        return int(letters[0] and letters[1])
    if code < 0x80 and BETWEEN_DIGITS[code] and before & DECIMAL and (after & DECIMAL or codes[i + 1] == MINUS):
        return 1
    if (code < 0x80 and BETWEEN[code]) or code in (EN_DASH, EM_DASH):
        return int((before & GROUP) == WORD and letters[1])
    return 0


@compiled("boolean(uint32[::1], int64)")
def _is_url(codes: Codes, i: int) -> bool:
    """Whether "://" stands at i and letters of ASCII before it. Slices of the word."""
    if i + 2 >= codes.size or codes[i] != COLON or codes[i + 1] != SLASH or codes[i + 2] != SLASH:
        return False
    for k in range(i):  # noqa: SIM110 - a generator does not compile
        if not 0x41 <= (codes[k] & ~np.uint32(0x20)) <= 0x5A:
            return False
    return True


@compiled("boolean(uint32[::1], int64)")
def _is_quote_s(codes: Codes, i: int) -> bool:
    """Whether "'s" stands at i."""
    return bool(
        i + 2 <= codes.size
        and (codes[i] == 0x27 or codes[i] == APOSTROPHE)
        and (codes[i + 1] == 0x73 or codes[i + 1] == 0x53)
    )


@compiled("int64(uint32[::1], int64, int64, int64, int32[::1], int32[::1], uint8[::1])")
def _put_signs(codes: Codes, i: int, end: int, n: int, starts: Places, ends: Places, is_word: Bytes) -> int:
    """Tokens of the signs in a part of a text, one each, but dots in a row and "'s" together; the new count of tokens."""
    part = codes[:end]
    while i < end:
        size = 1
        if part[i] == DOT:
            size = _dots(part, i)
        elif _is_quote_s(part, i):
            size = 2
        starts[n], ends[n], is_word[n] = i, i + size, size == 2 and part[i] != DOT
        n += 1
        i += size
    return n


@compiled("int64(uint32[::1], uint8[::1], int64, int64, int64, int32[::1], int32[::1], uint8[::1])")
def _put_word(
    codes: Codes, traits: Bytes, first: int, last: int, n: int, starts: Places, ends: Places, is_word: Bytes
) -> int:
    """Tokens of what is left between prefixes and suffixes; the new count of tokens."""
    word, marks = codes[first:last], traits[first:last]
    start, i = 0, 0
    has_word = False
    while i < word.size:
        if (marks[i] & GROUP) == WORD:
            has_word = True
            i += 1
            continue
        if _is_url(word, i):
            i = word.size
            continue
        size = _infix(word, marks, i)
        if size == 0:
            i += 1
            continue
        if start < i:
            starts[n], ends[n], is_word[n] = first + start, first + i, has_word
            n += 1
        starts[n], ends[n], is_word[n] = first + i, first + i + size, (marks[i] & GROUP) == ALONE
        n += 1
        i += size
        start, has_word = i, False
    if start < word.size:
        starts[n], ends[n], is_word[n] = first + start, last, has_word
        n += 1
    return n


@compiled("int64(uint8[::1])")
def _at_most(traits: Bytes) -> int:
    """A bound of the number of tokens: one begins at a sign, at a character that stands alone, or where letters begin."""
    n = 1
    for i in range(1, traits.size):
        group = traits[i] & GROUP
        n += (group > WORD) | ((group == WORD) & ((traits[i - 1] & GROUP) != WORD))
    return n


@compiled("Tuple((int32[::1], int32[::1], uint8[::1], int64[::1]))(uint32[::1], uint8[::1], int64[::1])")
def find_words(codes: Codes, traits: Bytes, bounds: Positions) -> tuple[Places, Places, Bytes, Positions]:
    """Start, end and whether it is a word of every word and sign; and where each document's ones begin."""
    size = _at_most(traits) + bounds.size
    starts, ends = np.empty(size, np.int32), np.empty(size, np.int32)
    is_word = np.empty(size, np.uint8)
    offsets = np.zeros(bounds.size, np.int64)
    n = 0
    for d in range(bounds.size - 1):
        i, stop = bounds[d], bounds[d + 1]
        while i < stop:
            if (traits[i] & GROUP) == 0:
                i += 1
                continue
            start, signs = i, False
            while i < stop and traits[i] & GROUP:
                signs |= (traits[i] & GROUP) != WORD
                i += 1
            if not signs:  # most words
                starts[n], ends[n], is_word[n] = start, i, 1
                n += 1
                continue
            first, last = start, i
            chunk = codes[:i]
            while first < last and (traits[first] & GROUP) == SIGN and _is_prefix(chunk, traits, first):
                first += 1
            while last > first:
                if (traits[last - 1] & GROUP) == SIGN and _is_suffix(chunk, traits, last - 1, first):
                    last -= 1
                elif last - first > 2 and _is_quote_s(chunk[:last], last - 2):
                    last -= 2
                else:
                    break
            n = _put_signs(chunk, start, first, n, starts, ends, is_word)
            n = _put_word(chunk, traits, first, last, n, starts, ends, is_word)
            n = _put_signs(chunk, last, i, n, starts, ends, is_word)
        offsets[d + 1] = n
    return starts[:n], ends[:n], is_word[:n], offsets
