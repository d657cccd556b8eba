"""Tokens of texts that are joined: split where the answer begins, and encoded in parts only where that changes nothing.

A model sees prompt and answer as one text, so their tokens are those of the joined text. A vocabulary may have pieces that run
across the border, and a text may be cut without changing its tokens only after a character that no piece continues.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

Encode = Callable[[str], list[int]]
T = TypeVar("T")
BREAK = "\n"


class Encoder(Protocol):
    """What prompts need of a tokenizer; `tokenizer.model.TokenizerModel` is one."""

    @property
    def bos(self) -> int: ...

    @property
    def line_ends(self) -> tuple[int, ...]:
        """Pieces that end a written answer: those that hold a line break, and the end of the text."""

    def encode(self, text: str) -> list[int]:
        """Pieces of a whole text, without BOS."""

    def encode_after_break(self, text: str) -> list[int]:
        """Pieces of a text after a line break; called only if `has_break`."""

    @property
    def has_break(self) -> bool:
        """Whether a line break is a piece that never joins another, so that texts may be encoded line by line."""


class Joining:
    """Encodes texts line by line where the tokenizer allows it, each distinct line once."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._first: dict[str, list[int]] = {}
        self._later: dict[str, list[int]] = {}

    def whole(self, text: str) -> list[int]:
        """Tokens of a text that follows BOS."""
        if not self._encoder.has_break:
            return self._encoder.encode(text)
        first, cut, rest = text.partition(BREAK)
        tokens = _cached(self._first, first + cut, self._encoder.encode)
        return [*tokens, *self.behind(rest)] if rest else list(tokens)

    def behind(self, text: str) -> list[int]:
        """Tokens of a text after a line break."""
        tokens: list[int] = []
        for line in text.split(BREAK)[:-1]:
            tokens += _cached(self._later, line + BREAK, self._encoder.encode_after_break)
        last = text.rpartition(BREAK)[2]
        return tokens + _cached(self._later, last, self._encoder.encode_after_break) if last else tokens

    def may_cut(self, before: str) -> bool:
        """Whether the tokens of a text that begins like this are those of the beginning and those of the rest."""
        return self._encoder.has_break and before.endswith(BREAK)


def split(prompt: str, choices: Sequence[str], encode: Encode) -> tuple[list[int], list[list[int]], bool]:
    """Tokens of the prompt, tokens of each choice, and whether a piece ran across the border.

    Prompt and choice together are exactly the tokens of the joined string. Where a piece crosses the border the prompt
    ends before it, for all choices alike, so that they stay comparable. A choice without a prompt loses its leading space,
    which a tokenizer puts before a text by itself.
    """
    if not prompt:
        choices = [choice.lstrip(" ") for choice in choices]
    alone = encode(prompt)
    joined = [encode(prompt + choice) for choice in choices]
    shared = common_start([alone, *joined])
    shared = min([shared, *(len(tokens) - 1 for tokens in joined)])  # an answer keeps at least one token
    return alone[:shared], [tokens[shared:] for tokens in joined], shared < len(alone)


def common_start(sequences: Sequence[Sequence[T]]) -> int:
    """Length of the common beginning."""
    shortest = min(map(len, sequences), default=0)
    for place in range(shortest):
        if any(sequence[place] != sequences[0][place] for sequence in sequences):
            return place
    return shortest


def _cached(seen: dict[str, list[int]], text: str, encode: Encode) -> list[int]:
    if text not in seen:
        seen[text] = encode(text)
    return seen[text]
