"""Whether a tokenizer has the words of the controls."""

from __future__ import annotations

from curation.runtime.errors import ConfigError
from curation.sources.control_texts import KEYS, VALUES
from tokenizer.model import TokenizerModel


def check_control_words(tokenizer: TokenizerModel, name: str) -> None:
    """Every key and value of the controls must be one piece, else their probe would measure spelling.

    Raises:
        ConfigError: some are not.
    """
    split = [word for word in (*KEYS, *VALUES) if tokenizer.single_piece(word) is None]
    if split:
        raise ConfigError(
            f"tokenizer {name}: {len(split)} control words are not one piece, such as {split[0]!r}. "
            "Give the controls more documents, so that every word occurs in them."
        )
