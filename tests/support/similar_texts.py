"""Texts in four scripts with near-duplicates of known sorts, and the similarity of two texts by definition."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

SYLLABLES = {
    "korean": ["가", "람", "들", "산", "길", "문", "높", "깊", "새", "벽", "편", "집", "국", "읽", "쓴"],
    "english": ["ri", "ver", "mo", "un", "tain", "ci", "ty", "light", "wa", "ter", "go", "es", "ap", "ple", "str"],
    "thai": ["แม่", "น้ำ", "ภู", "เขา", "เมือง", "แสง", "คน", "ไป", "ที่", "ใหญ่", "เล็ก", "เรื่อง", "ก็", "ว่า", "สี่"],
    "hindi": ["नदी", "पहा", "ड़", "शह", "रों", "की", "रोश", "नी", "पानी", "लोग", "कहा", "नि", "यों", "छो", "टे"],
}
MARKS = re.compile("[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u093e-\u094d]")
Shingles = frozenset[tuple[str, ...]]


def vocabulary(language: str, size: int = 400) -> list[str]:
    rng = random.Random(language)
    return sorted({"".join(rng.choices(SYLLABLES[language], k=rng.randint(2, 4))) for _ in range(size)})


def document(rng: random.Random, words: list[str], n: int) -> list[str]:
    return rng.choices(words, k=n)


def edited(rng: random.Random, words: list[str], text: list[str], share: float) -> list[str]:
    """A near-duplicate: spans replaced, sentences put in, or the end cut off, about `share` of the words in all."""
    text, n = list(text), max(1, int(len(text) * share))
    how = rng.choice(["replace", "insert", "truncate"])
    if how == "truncate":
        return text[: len(text) - n]
    for size in [n] if n < 10 else [n // 2, n - n // 2]:
        at = rng.randrange(len(text) - size)
        text[at : at + (size if how == "replace" else 0)] = rng.choices(words, k=size)
    return text


def written(words: list[str]) -> str:
    """With full stops and lines, which are no words."""
    return "".join(word + (".\n" if i % 11 == 10 else ", " if i % 7 == 6 else " ") for i, word in enumerate(words))


def corpus(seed: int, families: int = 12) -> Iterator[str]:
    """Families of near-duplicates of every similarity, in every language, and pages that share a long footer alone."""
    rng = random.Random(seed)
    for language in SYLLABLES:
        words = vocabulary(language)
        footer = document(rng, words, 40)
        for _ in range(families):
            base = document(rng, words, rng.randint(60, 250))
            yield written(base)
            for share in rng.choices([0.005, 0.02, 0.05, 0.08, 0.1, 0.15, 0.25], k=rng.randint(0, 3)):
                yield written(edited(rng, words, base, share))
            yield written(document(rng, words, 20) + footer)


def shingles(text: str, size: int = 5) -> Shingles:
    """The set of word n-grams of a text that `written` made."""
    words = [word.strip(".,") for word in text.split()]
    if len(words) < size:
        return frozenset([tuple(words)] if words else [])
    return frozenset(tuple(words[i : i + size]) for i in range(len(words) - size + 1))


def jaccard(left: Shingles, right: Shingles) -> float:
    return len(left & right) / len(left | right) if left or right else 0.0


def without_marks(text: str) -> str:
    """Thai and Devanagari with their vowel signs and tone marks gone: another text, though a hasty eye may not see it."""
    return MARKS.sub("", text)
