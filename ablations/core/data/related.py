"""A chain of documents in which each is followed by one like it, so that a window holds related ones.

Idea: in-context pretraining, Shi et al. 2023, https://arxiv.org/abs/2310.10638. There a dense retriever decides which documents are
alike; here it is their words, in whole numbers, so that every machine makes the same chain. A document is the sum over its tokens
of random sign vectors, weighted by how rare each token is (a random projection of hashed TF-IDF); of the sum, the side of the
median on which it lies is kept in each direction (SimHash, Charikar 2002, https://doi.org/10.1145/509907.509965), and the Hamming
distance of two such codes shows how unlike two documents are. A greedy walk goes to the nearest document that is left, bucket by
bucket.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ablations.core.data.documents import Documents
from ablations.core.data.hashing import hash_numbers

FIRST_TOKENS = 256  # of a document; they show its topic
WORDS = 2  # of 64 bits a code
BUCKET = 2048  # documents that are compared with each other; larger ones are halved by a bit of their codes
FEATURES = 2048  # tokens are hashed into as many
CHUNK = 1024  # documents summed at a time

Codes = NDArray[np.uint64]


def chain(documents: Documents, subset: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places in `subset`, each of them once: the walk through all documents. It begins with the first of its bucket."""
    codes = codes_of(documents, subset)
    walk = np.empty(len(subset), np.int64)
    done = 0
    for bucket in _buckets(codes):
        last = codes[walk[done - 1]] if done else codes[bucket[0]]
        walk[done : done + len(bucket)] = bucket[_greedy(codes[bucket], last)]
        done += len(bucket)
    return walk


def codes_of(documents: Documents, subset: NDArray[np.int64]) -> Codes:
    """One code a document, shape (documents, WORDS)."""
    lengths = np.minimum(documents.lengths[subset], FIRST_TOKENS)
    feature, rarity = _features(documents)
    signs = _signs()
    sums = np.zeros((len(subset), 64 * WORDS), np.int64)
    for at in range(0, len(subset), CHUNK):
        part = slice(at, at + CHUNK)
        size = lengths[part]
        inside = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
        tokens = documents.tokens[np.repeat(documents.offsets[subset[part]], size) + inside]
        cells = np.repeat(np.arange(len(size)), size) * FEATURES + feature[tokens]
        counted = np.bincount(cells, rarity[tokens], len(size) * FEATURES).reshape(len(size), FEATURES)
        # whole numbers below 2^24: float32 adds them exactly, in whatever order a machine does it
        sums[part] = (counted.astype(np.float32) @ signs).astype(np.int64)
    means = sums * 256 // lengths[:, None]  # so that long and short documents have one median
    bits = means > np.median(means, axis=0)
    return np.packbits(bits, axis=1, bitorder="little").view("<u8")


def _features(documents: Documents) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Of each token the number of its feature, by hash, and its rarity in 1/16 bits, a whole number."""
    counts = np.bincount(documents.tokens)
    rarity = np.round(16 * np.log2(len(documents.tokens) / np.maximum(counts, 1)))
    return (hash_numbers(len(counts), "features") % np.uint64(FEATURES)).astype(np.int64), rarity


def _signs() -> NDArray[np.float32]:
    """A random vector of 1 and -1 for each feature, shape (FEATURES, 64 * WORDS)."""
    hashes = np.stack([hash_numbers(FEATURES, "signs", word) for word in range(WORDS)], axis=1).astype("<u8")
    bits = np.unpackbits(np.ascontiguousarray(hashes).view(np.uint8), axis=1, bitorder="little")
    return 2 * bits.astype(np.float32) - 1


def _buckets(codes: Codes) -> list[NDArray[np.int64]]:
    """Documents by the first bits of their codes, as many bits as it takes; alike documents mostly share them."""
    todo, done = [(np.arange(len(codes)), 0)], []
    while todo:
        members, bit = todo.pop()
        if len(members) <= BUCKET or bit == 64:
            done += [members[at : at + BUCKET] for at in range(0, len(members), BUCKET)]
            continue
        is_set = (codes[members, 0] >> np.uint64(bit)) & np.uint64(1) == 1
        todo += [(half, bit + 1) for half in (members[is_set], members[~is_set]) if len(half)]
    return done


def _greedy(codes: Codes, last: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The walk through one bucket: always to the nearest that is left, of equally near ones to the first."""
    left, rest = np.arange(len(codes)), codes.copy()
    walk = np.empty(len(codes), np.int64)
    for step in range(len(codes)):
        distance = np.bitwise_count(rest ^ last).sum(axis=1, dtype=np.int64)
        at = int(distance.argmin())
        walk[step], last = left[at], rest[at].copy()
        size = len(left) - 1  # keep the order, so that "the first" stays what it was
        left[at:size], rest[at:size] = left[at + 1 :], rest[at + 1 :]
        left, rest = left[:size], rest[:size]
    return walk
