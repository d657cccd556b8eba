"""Each compiled kernel against a slow oracle in plain Python. A kernel that disagrees silently changes every score."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from odd_texts import odd_texts

from curation.text import classes, kernels
from curation.text.batch import Batch, hash_word

TEXTS = st.lists(odd_texts(), max_size=5)
SINGLE = {classes.CODE[name] for name in ("han", "kana")}
SIGNS = {classes.CODE[name] for name in ("punctuation", "symbol", "other")}
FIND = re.compile(r"w(?:w|q(?=w))*|h|[sq]+")


def words_oracle(text: str) -> list[tuple[int, int, bool]]:
    """(start, end, is it a word) by a regular expression over letters: w word, h alone, s sign, q apostrophe."""
    letters = []
    for char in text:
        class_ = int(classes.table()[ord(char)])
        if char in "'\u2019":
            letters.append("q")
        elif class_ in classes.ALPHANUMERIC and class_ not in SINGLE:
            letters.append("w")
        else:
            letters.append("h" if class_ in SINGLE else "s" if class_ in SIGNS else " ")
    return [(*match.span(), match[0][0] in "wh") for match in FIND.finditer("".join(letters))]


def lines_oracle(text: str) -> list[tuple[int, int]]:
    """Lines end with a newline; what follows the last one is a line unless it is empty."""
    found, at = [], 0
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        found.append((at, at + len(line.removesuffix("\n"))))
        at += len(line)
    return found


def hash_oracle(word: str) -> int:
    """FNV-1a over code points, then splitmix64's finish. Source: http://isthe.com/chongo/tech/comp/fnv."""
    most = 2**64 - 1
    h = 0xCBF29CE484222325
    for char in word:
        h = (h ^ ord(char)) * 0x100000001B3 & most
    h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9 & most
    h = (h ^ (h >> 27)) * 0x94D049BB133111EB & most
    return h ^ (h >> 31)


@given(texts=TEXTS)
def test_every_code_point_gets_the_class_of_the_table(texts: list[str]) -> None:
    table = classes.table()
    assert Batch(texts).classes.tolist() == [table[ord(char)] for text in texts for char in text]


@given(texts=TEXTS)
def test_classes_are_counted_document_by_document(texts: list[str]) -> None:
    counts = Batch(texts).class_counts
    assert counts.shape == (len(texts), len(classes.NAMES))
    for text, row in zip(texts, counts, strict=True):
        wanted = Counter(int(classes.table()[ord(char)]) for char in text)
        assert {i: n for i, n in enumerate(row.tolist()) if n} == dict(wanted)


@given(texts=TEXTS)
def test_words_are_those_of_the_oracle(texts: list[str]) -> None:
    batch = Batch(texts)
    words = batch.words
    wanted = [
        (base + start, base + end, is_word, d)
        for d, (text, base) in enumerate(zip(texts, batch.bounds.tolist(), strict=False))
        for start, end, is_word in words_oracle(text)
    ]
    columns = (words.start, words.end, words.is_word, words.document)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == wanted
    assert words.count.tolist() == [sum(w for *_, w in words_oracle(text)) for text in texts]
    assert words.tokens.tolist() == [len(words_oracle(text)) for text in texts]
    assert words.chars.tolist() == [sum(e - s for s, e, w in words_oracle(text) if w) for text in texts]


@given(texts=TEXTS)
def test_lines_are_those_of_the_oracle(texts: list[str]) -> None:
    batch = Batch(texts)
    lines = batch.lines
    wanted = [
        (base + start, base + end, d)
        for d, (text, base) in enumerate(zip(texts, batch.bounds.tolist(), strict=False))
        for start, end in lines_oracle(text)
    ]
    columns = (lines.start, lines.end, lines.document)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == wanted


@given(texts=TEXTS)
def test_word_hashes_are_those_of_the_oracle(texts: list[str]) -> None:
    batch = Batch(texts)
    joined = "".join(texts)
    words = [joined[s:e] for s, e in zip(batch.words.start.tolist(), batch.words.end.tolist(), strict=True)]
    assert batch.word_hashes.tolist() == [hash_oracle(word) for word in words]
    assert all(hash_word(word) == hash_oracle(word) for word in words)


@given(text=odd_texts(), data=st.data())
def test_any_ranges_can_be_hashed(text: str, data: st.DataObject) -> None:
    """Ranges may be empty, overlap and come in any order."""
    position = st.integers(0, len(text))
    ranges = [sorted(pair) for pair in data.draw(st.lists(st.tuples(position, position), max_size=6))]
    starts, ends = (np.array([r[i] for r in ranges], np.int64) for i in (0, 1))
    found = kernels.hash_ranges(Batch([text]).codes, starts, ends)
    assert found.tolist() == [hash_oracle(text[s:e]) for s, e in ranges]


def test_words_of_some_scripts_are_as_a_reader_counts_them() -> None:
    """Examples to read; the oracle shares our idea of a word, these do not."""
    words = {
        "don't stop": 2,
        "한국어 문장은 짧다": 3,
        "漢字かな": 4,
        "हिन्दी में": 2,
        "ภาษาไทย": 1,
        "a-b": 2,
        "... !": 0,
        "3.14": 2,
        "rock 'n' roll": 3,
    }
    assert dict(zip(words, Batch.of(words).words.count.tolist(), strict=True)) == words
