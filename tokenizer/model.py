"""A trained tokenizer, loaded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any

from curation.runtime.errors import InputError
from curation.runtime.store.folder import Folder
from curation.runtime.store.parts import read_checked
from tokenizer.train import BOS, EOS, MODEL

_BREAK = "\n"


class TokenizerModel:
    """SentencePiece behind the few calls that the floors above need."""

    def __init__(self, data: bytes, where: str) -> None:
        import sentencepiece

        self.bos = BOS
        self._processor: Any = sentencepiece.SentencePieceProcessor()
        try:
            loaded = self._processor.LoadFromSerializedProto(data)
        except RuntimeError as error:
            raise InputError(where, f"not a SentencePiece model ({error})", "Train it again.") from error
        if not loaded:
            raise InputError(where, "not a SentencePiece model", "Train it again.")

    @property
    def vocab_size(self) -> int:
        return int(self._processor.GetPieceSize())

    def encode(self, text: str) -> list[int]:
        """Pieces of a text, without BOS."""
        return list(self._processor.Encode(text))

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Pieces of several texts; `<` 2^16 each."""
        return list(self._processor.Encode(list(texts), num_threads=1))

    @cached_property
    def has_break(self) -> bool:
        """Whether a line break is a piece of its own and no other piece holds one.

        A merge makes a piece of the vocabulary, so none crosses a line break then: the pieces of a text are those of its
        lines, each line with its line break at the end.
        """
        own = [number for number in range(self.vocab_size) if _BREAK in self.piece(number)]
        return [self.piece(number) for number in own] == [_BREAK] and self.encode(_BREAK)[-1:] == own

    def encode_after_break(self, text: str) -> list[int]:
        """Pieces of a text behind a line break; without the space that a tokenizer puts before a text.

        Raises:
            ValueError: the vocabulary joins line breaks with other characters, so the pieces depend on what comes before.
        """
        if not self.has_break:
            raise ValueError("a line break is no piece of its own; encode the whole text.")
        return self.encode(_BREAK + text)[len(self.encode(_BREAK)) :]

    @cached_property
    def line_ends(self) -> tuple[int, ...]:
        """Pieces that end a line or the text: those with a line break in them, its byte, the end of the text, and the beginning
        of the next, where documents end in training."""
        holding = {number for number in range(self.vocab_size) if _BREAK in self.piece(number)}
        byte = self._processor.PieceToId("<0x0A>")
        return tuple(sorted({*holding, BOS, EOS} | ({byte} if self._processor.IsByte(byte) else set())))

    def decode(self, pieces: Sequence[int]) -> str:
        return str(self._processor.Decode(list(pieces)))

    def piece(self, number: int) -> str:
        return str(self._processor.IdToPiece(number))

    def single_piece(self, word: str) -> int | None:
        """The piece of a word that stands alone, None if it takes several or is unknown."""
        pieces = self.encode(word)
        return pieces[0] if len(pieces) == 1 and not self._processor.IsUnknown(pieces[0]) else None

    def whole_words(self) -> list[int]:
        """Pieces that are a space and at least three letters: ordinary whole words, in the order of the vocabulary."""
        numbers = range(self.vocab_size)
        return [n for n in numbers if self.piece(n).startswith("\u2581") and _is_word(self.piece(n)[1:])]

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """Pieces with a digit in them."""
        return tuple(
            n for n in range(self.vocab_size) if not self._processor.IsByte(n) and any(map(str.isdigit, self.piece(n)))
        )

    @cached_property
    def capitals(self) -> tuple[int, ...]:
        """Pieces that begin a word with a capital letter."""
        return tuple(
            n for n in range(self.vocab_size) if self.piece(n)[:1] == "\u2581" and self.piece(n)[1:2].isupper()
        )

    def letters(self) -> list[int]:
        """Pieces that are letters and nothing else, whatever stands before them, in the order of the vocabulary."""
        return [n for n in range(self.vocab_size) if self.piece(n).removeprefix("\u2581").isalpha()]


def _is_word(text: str) -> bool:
    return len(text) >= 2 and text.isalpha()


def load_tokenizer(folder: Folder) -> TokenizerModel:
    """The tokenizer in a stage's folder; kept for the process.

    Raises:
        InputError: its file is gone.
    """
    return _load(folder)


@cache
def _load(folder: Folder) -> TokenizerModel:
    where = f"{folder.url}/{MODEL}"
    if not folder.exists(MODEL):
        raise InputError(
            where, "the tokenizer is gone", f"Bring it back; or remove {folder.url} and run the study again."
        )
    return TokenizerModel(read_checked(folder, MODEL), where)
