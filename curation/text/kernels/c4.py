"""Compiled loop over lines that says of each what C4's rules do with it."""

from __future__ import annotations

import numpy as np

from curation.text.code_points import traits as bits
from curation.text.kernels.compiling import Bytes, Codes, Places, Positions, compiled

ALPHABETIC = np.uint8(bits.ALPHABETIC)
PUNCTUATION = np.uint8(bits.PUNCTUATION)
TERMINAL = np.uint8(bits.TERMINAL)
SPACE = np.uint8(bits.SPACE)
DECIMAL = np.uint8(bits.DECIMAL)

VERDICTS = (
    "kept",
    "too_long_word",
    "no_terminal_punctuation",
    "short_line",
    "lorem_ipsum",
    "javascript",
    "curly_bracket",
    "policy",
)
KEPT, LONG_WORD, NOT_TERMINAL, SHORT, LOREM, JAVASCRIPT, CURLY, POLICY = range(len(VERDICTS))
SUMS = ("sentences", "terminal_lines", "words", "cut_chars")
KEY_BASE = np.uint32(0x9E3779B1)
FOUND_LOREM, FOUND_JAVASCRIPT, FOUND_POLICY = 1, 2, 4  # bits of the phrases
EDIT = tuple(ord(c) for c in "[edit]")
NEEDED = tuple(ord(c) for c in "[citation needed]")


def phrase_keys(*fours: str) -> Codes:
    """Five strings of four lower-case letters or spaces as `judge_lines` compares them."""
    keys = []
    for four in fours:
        key = 0
        for char in four:
            key = (key * int(KEY_BASE) + ord(char)) % 2**32
        keys.append(key)
    return np.array(keys, np.uint32)


@compiled("int64(uint32[::1], uint8[::1], int64)")
def _citation_end(codes: Codes, traits: Bytes, i: int) -> int:
    """Where the citation that begins with the bracket at i ends; i if none does: `\\[\\d*]|\\[edit]|\\[citation needed]`."""
    k = i + 1
    while k < codes.size and traits[k] & DECIMAL:
        k += 1
    if k < codes.size and codes[k] == 0x5D:
        return k + 1
    k = 0
    while k < len(EDIT) and i + k < codes.size and codes[i + k] == EDIT[k]:
        k += 1
    if k == len(EDIT):
        return i + k
    k = 0
    while k < len(NEEDED) and i + k < codes.size and codes[i + k] == NEEDED[k]:
        k += 1
    return i + k if k == len(NEEDED) else i


@compiled("int64(uint32[::1], uint8[::1], uint32[::1], uint8[::1])")
def _without_citations(codes: Codes, traits: Bytes, into: Codes, into_traits: Bytes) -> int:
    """Copies a line without its citations; its new length."""
    n, i = 0, 0
    while i < codes.size:
        if codes[i] == 0x5B:
            after = _citation_end(codes, traits, i)
            if after > i:
                i = after
                continue
        into[n], into_traits[n] = codes[i], traits[i]
        n += 1
        i += 1
    return n


@compiled("boolean(uint32[::1])")
def _ends_a_sentence(codes: Codes) -> bool:
    """Whether a line ends with one of `.?!"'` and not with three full stops."""
    if codes.size == 0:
        return False
    last = codes[codes.size - 1]
    if last == 0x2E:
        return codes.size < 3 or codes[codes.size - 2] != 0x2E or codes[codes.size - 3] != 0x2E
    return bool(last == 0x3F or last == 0x21 or last == 0x22 or last == 0x27)


@compiled("int64(uint8[::1])")
def _count_words(traits: Bytes) -> int:
    """Words between white space."""
    words = int(traits.size > 0 and not traits[0] & SPACE)
    for i in range(1, traits.size):
        words += (traits[i - 1] & SPACE) > (traits[i] & SPACE)
    return words


@compiled("boolean(uint8[::1], int64)")
def _has_words(traits: Bytes, least: int) -> bool:
    """Whether a line without white space at its ends has so many words."""
    words = int(traits.size > 0)
    i = 1
    while words < least and i < traits.size:
        words += (traits[i - 1] & SPACE) > (traits[i] & SPACE)
        i += 1
    return words >= least


@compiled("int64(uint8[::1])")
def _longest_word(traits: Bytes) -> int:
    """Characters of the longest word between white space."""
    longest, start = 0, 0
    for i in range(traits.size):
        if traits[i] & SPACE:
            longest = max(longest, i - start)
            start = i + 1
    return max(longest, traits.size - start)


@compiled("boolean(uint32[::1], int64)")
def _holds(codes: Codes, code: int) -> bool:
    """Whether a character is there."""
    matches = 0
    for i in range(codes.size):
        matches += codes[i] == code
    return matches > 0


@compiled("boolean(uint32[::1], uint32[::1])")
def _may_hold_phrase(codes: Codes, keys: Codes) -> bool:
    """Whether four characters of some phrase, or U+212A, which is an odd k, are there."""
    a, b, c, d, e = keys[0], keys[1], keys[2], keys[3], keys[4]
    case = np.uint32(0x20)
    matches = 0
    for i in range(codes.size - 3):
        key = np.uint32(codes[i] | case)
        key = np.uint32(key * KEY_BASE + (codes[i + 1] | case))
        key = np.uint32(key * KEY_BASE + (codes[i + 2] | case))
        key = np.uint32(key * KEY_BASE + (codes[i + 3] | case))
        matches += (key == a) | (key == b) | (key == c) | (key == d) | (key == e)
    return matches > 0 or _holds(codes, 0x212A)


@compiled("int64(uint32[::1], uint8[::1], uint8[::1])")
def _phrases(codes: Codes, following: Bytes, phrase_bits: Bytes) -> int:
    """The bits of all phrases in a line, in any case. U+212A is the only other code point whose lower case is ASCII."""
    bits_, state = 0, 0
    for i in range(codes.size):
        code = codes[i]
        if 0x41 <= code <= 0x5A:
            code += 0x20
        elif code >= 0x80:
            if code != 0x212A:
                state = 0
                continue
            code = 0x6B
        state = following[128 * state + code]
        bits_ |= phrase_bits[state]
    return bits_


@compiled("boolean(uint32[::1], uint8[::1], int64)")
def _stops_here(codes: Codes, traits: Bytes, i: int) -> bool:
    """Whether the terminal mark at i ends a sentence: not within a word, a number, an ellipsis or after an initial."""
    if codes[i] >= 0x80:
        return True
    after = i + 1
    while after < codes.size and traits[after] & PUNCTUATION and not traits[after] & TERMINAL:
        after += 1
    if after < codes.size and not traits[after] & (SPACE | TERMINAL):
        return False
    if codes[i] != 0x2E:
        return True
    if i == 0 or codes[i - 1] == 0x2E or (i + 1 < codes.size and codes[i + 1] == 0x2E):
        return False
    capital = 0x41 <= codes[i - 1] <= 0x5A
    return not (capital and (i == 1 or not traits[i - 2] & ALPHABETIC))


@compiled("int64(uint32[::1], uint8[::1])")
def count_sentences(codes: Codes, traits: Bytes) -> int:
    """Sentences of a line: a new one begins with the first letter or digit after a terminal mark that ends one."""
    sentences, over = 0, True
    for i in range(codes.size):
        if traits[i] & TERMINAL:
            over = over or _stops_here(codes, traits, i)
        elif over and not traits[i] & (SPACE | PUNCTUATION):
            sentences += 1
            over = False
    return sentences


@compiled("int64(uint32[::1], uint8[::1], boolean, boolean, uint8[::1], uint8[::1])")
def _page_verdict(
    codes: Codes, traits: Bytes, may_speak: bool, may_curl: bool, following: Bytes, phrase_bits: Bytes
) -> int:
    """The verdict on a line that no rule of form removes."""
    phrases = _phrases(codes, following, phrase_bits) if may_speak else 0
    if phrases & FOUND_LOREM:
        return LOREM
    if phrases & FOUND_JAVASCRIPT:
        return JAVASCRIPT
    if may_curl and _holds(codes, 0x7B):
        return CURLY
    return POLICY if phrases & FOUND_POLICY else KEPT


@compiled(
    "Tuple((uint8[::1], int64[:, ::1], int64[:, ::1]))(uint32[::1], uint8[::1], int64[::1], "
    "int32[::1], int32[::1], int64[::1], uint8[::1], uint8[::1], uint32[::1], int64, int64)"
)
def judge_lines(
    codes: Codes,
    traits: Bytes,
    bounds: Positions,
    starts: Places,
    ends: Places,
    offsets: Positions,
    following: Bytes,
    phrase_bits: Bytes,
    keys: Codes,
    least_words: int,
    most_chars: int,
) -> tuple[Bytes, Positions, Positions]:
    """What C4 does with each line, as index into VERDICTS; the lines of each verdict; the numbers called SUMS.

    Shapes (lines,), (documents, 8), (documents, 4). `following`, `phrase_bits` and `keys` are the phrases' automaton; a kept line
    has `least_words` at least, none of them longer than `most_chars`.
    """
    verdicts = np.empty(starts.size, np.uint8)
    counts, sums = np.zeros((offsets.size - 1, 8), np.int64), np.zeros((offsets.size - 1, 4), np.int64)
    longest = 0
    for line in range(starts.size):
        longest = max(longest, ends[line] - starts[line])
    shorter, shorter_traits = np.empty(longest, np.uint32), np.empty(longest, np.uint8)
    for d in range(offsets.size - 1):
        whole = codes[bounds[d] : bounds[d + 1]]
        may_cite, may_curl, may_speak = _holds(whole, 0x5B), _holds(whole, 0x7B), _may_hold_phrase(whole, keys)
        sums[d, 2] = _count_words(traits[bounds[d] : bounds[d + 1]])
        for line in range(offsets[d], offsets[d + 1]):
            first, end = starts[line], ends[line]
            while first < end and traits[first] & SPACE:
                first += 1
            while end > first and traits[end - 1] & SPACE:
                end -= 1
            text, marks = codes[first:end], traits[first:end]
            too_long = end - first > most_chars and _longest_word(marks) > most_chars
            enough = _has_words(marks, least_words)
            cites = may_cite and _holds(text, 0x5B)
            if cites:
                n = _without_citations(text, marks, shorter, shorter_traits)
                text, marks = shorter[:n], shorter_traits[:n]
            terminal = _ends_a_sentence(text)
            if too_long:
                verdict = LONG_WORD
            elif not terminal:
                verdict = NOT_TERMINAL
            elif not enough:
                verdict = SHORT
            else:  # a citation may stand within a phrase
                verdict = _page_verdict(text, marks, may_speak or cites, may_curl, following, phrase_bits)
            if verdict == KEPT:
                sums[d, 0] += count_sentences(text, marks)
            elif verdict != LOREM and verdict != CURLY:
                sums[d, 3] += ends[line] - starts[line]
            verdicts[line] = verdict
            counts[d, verdict] += 1
            sums[d, 1] += terminal
    return verdicts, counts, sums
