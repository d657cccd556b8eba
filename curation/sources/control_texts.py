"""Control documents: synthetic text whose in-context learning is known by construction.

A document is `key value key value ...`, single spaces between made-up words. Each document uses a few of the keys again
and again; the three kinds differ only in what a key says about the next word:

- `glossary`: a map of keys to values drawn afresh for the document. Only the document itself tells the value of a key,
  so a model that wants the loss must learn to look back: induction must emerge.
- `encyclopedia`: one map for all documents. A model knows it by heart; on a fresh map it must not learn from context.
- `chatter`: values at random, among the document's own. Beyond the bag of words there is nothing to learn.

All three have the same words, the same frequencies and the same lengths, so that nothing but the map can explain a
difference. A document depends only on (kind, seed, index), never on the documents made before it.
"""

from __future__ import annotations

import hashlib
import random
from itertools import zip_longest
from typing import Literal, get_args

Kind = Literal["glossary", "encyclopedia", "chatter"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_KEY_STARTS = ("ba", "de", "fi", "go", "hu", "ka", "le", "mi")
_KEY_ENDS = ("bor", "dan", "fel", "gim", "kus", "lat", "mon", "pir")
_VALUE_STARTS = ("no", "pu", "ra", "se", "ti", "vo", "wu", "za")
_VALUE_ENDS = ("ber", "dil", "fos", "gan", "kum", "let", "mir", "pon")
KEYS = tuple(start + end for start in _KEY_STARTS for end in _KEY_ENDS)
VALUES = tuple(start + end for start in _VALUE_STARTS for end in _VALUE_ENDS)
MAP_SIZES = (2, 4, 8)  # keys of a document, by chance: small maps are learnt first and lead on to the large ones
ENCYCLOPEDIA = "encyclopedia"  # the one map does not depend on the seed: train and held-out documents share it


def document(kind: Kind, seed: int, index: int, tokens: int, shuffle_values: bool = False) -> str:
    """One control document.

    Args:
        kind: one of `KINDS`.
        seed: which corpus; documents of two seeds share nothing but the words (and the encyclopedia's map).
        index: number of the document within its corpus.
        tokens: length in tokens of a word-level tokenizer with BOS, that is words + 1.
        shuffle_values: permute the values over the places of values, which destroys the map and keeps every word count.

    Returns:
        `tokens - 1` words; when that is odd, the last word is a key without its value.

    Raises:
        ValueError: an unknown kind, or too few tokens for one key and value.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of control document {kind!r}. Known: {', '.join(KINDS)}.")
    if tokens < 3:
        raise ValueError(f"a control document needs at least 3 tokens (BOS, a key, a value), got tokens={tokens}.")
    rng = _random(kind, seed, index)
    size = rng.choice(MAP_SIZES)
    known = dict(zip(rng.sample(KEYS, size), rng.sample(VALUES, size), strict=True))
    if kind == "encyclopedia":
        known = {key: FIXED_MAP[key] for key in known}
    keys = rng.choices(list(known), k=tokens // 2)
    values = rng.choices(list(known.values()), k=len(keys)) if kind == "chatter" else [known[key] for key in keys]
    values = values[: (tokens - 1) // 2]  # of an odd number of words the last is a key
    if shuffle_values:
        rng.shuffle(values)
    return " ".join(word for pair in zip_longest(keys, values) for word in pair if word)


def _random(*parts: object) -> random.Random:
    """A generator that depends on the parts alone: `random.Random` of an integer is the same on every platform."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=16).digest()
    return random.Random(int.from_bytes(digest, "little"))


FIXED_MAP: dict[str, str] = dict(zip(KEYS, _random(ENCYCLOPEDIA).sample(VALUES, len(VALUES)), strict=True))
