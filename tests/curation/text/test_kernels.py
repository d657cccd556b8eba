"""Each compiled kernel against a slow oracle in plain Python. A kernel that disagrees silently changes every score."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from odd_texts import odd_texts
from words_of_others import batch_of_words
from words_oracle import words_oracle

from curation.text import kernels
from curation.text.batch import Batch, hash_word
from curation.text.code_points import classes
from curation.text.normal import wording
from curation.text.phrases import Phrases
from curation.text.shingles import Shingles

TEXTS = st.lists(odd_texts(), max_size=5)


def lines_oracle(text: str) -> list[tuple[int, int]]:
    """Lines end with a newline; what follows the last one is a line unless it is empty."""
    found, at = [], 0
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        found.append((at, at + len(line.removesuffix("\n"))))
        at += len(line)
    return found


MOST = 2**64 - 1
BASE = 0x9E3779B97F4A7C15


def finish_oracle(h: int) -> int:
    """The last steps of splitmix64, https://prng.di.unimi.it/splitmix64.c."""
    h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9 & MOST
    h = (h ^ (h >> 27)) * 0x94D049BB133111EB & MOST
    return h ^ (h >> 31)


def hash_oracle(word: str) -> int:
    """A polynomial over code points, finished."""
    h = 0
    for char in word:
        h = (h * BASE + ord(char) + 1) & MOST
    return finish_oracle(h)


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


SIGNS = "'s\u2019S.-+$%,:/<=~*^#()[]\u2013\u2026\u3002\u20ac aB3\ud55c\u6f22 \n"


@given(texts=st.one_of(TEXTS, st.lists(st.text(SIGNS, max_size=12), max_size=5)))
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
    found = kernels.word_sums.hash_ranges(Batch([text]).codes, starts, ends)
    assert found.tolist() == [hash_oracle(text[s:e]) for s, e in ranges]


@given(texts=TEXTS)
def test_split_lines_are_those_of_python(texts: list[str]) -> None:
    batch = Batch(texts)
    lines, joined = batch.split_lines, "".join(texts)
    found: list[list[str]] = [[] for _ in texts]
    for d, start, end in zip(lines.document.tolist(), lines.start.tolist(), lines.end.tolist(), strict=True):
        found[d].append(joined[start:end])
    assert found == [text.splitlines() for text in texts]


@given(texts=TEXTS)
def test_lines_with_their_end_marks_are_the_whole_text(texts: list[str]) -> None:
    """A cut of a whole line takes its end mark with it, so nothing may lie between two lines."""
    batch = Batch(texts)
    joined = "".join(texts)
    for lines, keep in (
        (batch.split_lines, str.splitlines),
        (batch.lines, lambda t, _: re.findall("[^\n]*\n|[^\n]+", t)),
    ):
        pairs = zip(lines.start.tolist(), lines.after(batch.bounds).tolist(), strict=True)
        wanted = [line for text in texts for line in keep(text, True)]
        assert [joined[start:end] for start, end in pairs] == wanted


@given(texts=TEXTS)
def test_folded_white_space_is_the_wording(texts: list[str]) -> None:
    batch = Batch(texts)
    utf8, offsets = kernels.characters.fold_white(batch.codes, batch.traits, batch.bounds)
    for text, start, end in zip(texts, offsets.tolist(), offsets.tolist()[1:], strict=False):
        assert utf8[start:end].tobytes() == wording(text).encode("utf8", "surrogatepass")


@given(texts=TEXTS, least=st.integers(0, 30))
def test_lines_that_stood_before_are_those_of_a_set(texts: list[str], least: int) -> None:
    batch = Batch(texts)
    lines = batch.lines
    again = kernels.lines.stood_before(batch.line_hashes, lines.start, lines.end, lines.offsets, least)
    wanted = []
    for text in texts:
        seen: set[str] = set()
        for start, end in lines_oracle(text):
            wanted.append(int(end - start >= least and text[start:end] in seen))
            seen.add(text[start:end])
    assert again.tolist() == wanted


def shingles_oracle(text: str, length: int) -> list[int]:
    """Polynomials over the finished hashes of words, finished."""
    words = [hash_oracle(text[start:end]) for start, end, is_word in words_oracle(text) if is_word]
    grams = [words[i : i + length] for i in range(len(words) - length + 1)] or ([words] if words else [])
    found = []
    for gram in grams:
        h = 0
        for word in gram:
            h = (h * BASE + word) & MOST
        found.append(finish_oracle(h))
    return found


@given(texts=TEXTS, length=st.integers(1, 6))
def test_shingles_are_those_of_the_oracle(texts: list[str], length: int) -> None:
    shingles = Shingles.of(Batch(texts), length)
    wanted = [shingles_oracle(text, length) for text in texts]
    assert shingles.hashes.tolist() == [h for hashes in wanted for h in hashes]
    assert shingles.count.tolist() == [len(hashes) for hashes in wanted]
    assert shingles.document.tolist() == [d for d, hashes in enumerate(wanted) for _ in hashes]


@given(texts=TEXTS)
def test_bands_are_those_of_the_oracle(texts: list[str]) -> None:
    times, plus = np.array([3, 5, BASE, 2**63 + 1], np.uint64), np.array([0, 7, 2**63, MOST], np.uint64)
    shingles = Shingles.of(Batch(texts), 2)
    found = kernels.shingles.minhash_bands(shingles.hashes, shingles.offsets, times, plus, 2)
    for d, text in enumerate(texts):
        hashes = shingles_oracle(text, 2)
        if not hashes:
            continue
        least = [min((int(t) * h + int(p)) & MOST for h in hashes) for t, p in zip(times, plus, strict=True)]
        for band in range(2):
            h = 0
            for minimum in least[2 * band : 2 * band + 2]:
                h = (h ^ minimum) * BASE & MOST
                h ^= h >> 32
            assert found[d, band] == finish_oracle(h)


@given(
    texts=st.lists(st.text("abc d", max_size=30), max_size=5),
    phrases=st.lists(st.text("abc d", min_size=1), min_size=1),
)
def test_phrases_are_found_as_python_finds_them(texts: list[str], phrases: list[str]) -> None:
    bits = {phrase: 1 << (i % 8) for i, phrase in enumerate(phrases)}
    made = Phrases.of(bits)
    for text in texts:
        state, found = 0, 0
        for char in text:
            state = int(made.following[128 * state + ord(char)])
            found |= int(made.bits[state])
        wanted = 0
        for phrase, bit in bits.items():
            wanted |= bit if phrase in text else 0
        assert found == wanted


def test_given_words_are_taken_as_they_are() -> None:
    batch = batch_of_words(["It isn't.", ""], [["It", "is", "n't", "."], []])
    assert batch.words.tokens.tolist() == [4, 0]
    assert batch.words.count.tolist() == [3, 0]
    assert batch.word_hashes.tolist() == [hash_oracle(word) for word in ("It", "is", "n't", ".")]


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
        "3.14": 1,
        "rock 'n' roll": 3,
    }
    assert dict(zip(words, Batch.of(words).words.count.tolist(), strict=True)) == words


def test_signs_around_words_are_taken_off_in_every_script() -> None:
    """Else a word before a full stop is another word than the same one before a space, and near-duplicates are missed."""
    text = "ก็. की, (한국)。 it's U.S. 3.14 a-b 50% see https://a.b/c-d. x..."
    words = Batch.of([text]).words
    found = [text[a:b] for a, b in zip(words.start.tolist(), words.end.tolist(), strict=True)]
    wanted = "ก็ . की , ( 한국 ) 。 it 's U.S. 3.14 a - b 50 % see https://a.b/c-d . x ..."
    assert found == wanted.split()
