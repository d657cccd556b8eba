"""Which characters of a sample get a piece of their own; all others are written as their bytes.

SentencePiece takes a share of the sample's characters, the commonest first, and none below 0.98. Where less is asked for, the rarer
characters are cut out of the sample before it sees them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

SPECIALS = 3
BYTES = 256
COVERAGE = 0.9995  # of characters, where the vocabulary has room
LEAST_COVERAGE = 0.98  # SentencePiece takes no less
SHARE_OF_CHARACTERS = 0.5  # of the pieces that are neither special nor bytes, at most: the rest are merges
BORDER = "\n"  # in a line of the sample: a piece of its own, over which nothing is merged


def fitting_coverage(lines: Sequence[str], vocab_size: int) -> float:
    """The share of characters that get a piece: `COVERAGE`, or less where these would take too much of the vocabulary, but never
    less than SentencePiece takes."""
    counts = _counts(lines)
    most = room_for_characters(vocab_size)
    total = counts.total()
    covered = sum(count for _, count in counts.most_common(most)) / total if total else 1.0
    # SentencePiece takes characters until their share reaches the coverage: half a character less ends at the last of them
    return max(LEAST_COVERAGE, min(COVERAGE, covered - 0.5 / total)) if len(counts) > most else COVERAGE


def room_for_characters(vocab_size: int) -> int:
    """The most characters that leave a vocabulary as many merges."""
    return int(SHARE_OF_CHARACTERS * (vocab_size - SPECIALS - BYTES))


def with_the_commonest(lines: Sequence[str], most: int) -> Iterator[str]:
    """The lines with a border in place of every character but so many of the commonest."""
    return _without(lines, [character for character, _ in _by_count(lines)[most:]])


def with_a_share(lines: Sequence[str], coverage: float) -> Iterator[str]:
    """The lines with a border in place of the rarest characters; the others are at least this share of all."""
    by_count = _by_count(lines)
    left = coverage * sum(count for _, count in by_count)
    rare = []
    for character, count in by_count:
        if left <= 0:
            rare.append(character)
        left -= count
    return _without(lines, rare)


def _counts(lines: Sequence[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line)
    return counts


def _by_count(lines: Sequence[str]) -> list[tuple[str, int]]:
    """The commonest first; of equally common ones the lower code point, whatever the order of the lines."""
    return sorted(_counts(lines).items(), key=lambda item: (-item[1], item[0]))


def _without(lines: Sequence[str], characters: Sequence[str]) -> Iterator[str]:
    borders = str.maketrans(dict.fromkeys(characters, BORDER))
    return (line.translate(borders) for line in lines)
