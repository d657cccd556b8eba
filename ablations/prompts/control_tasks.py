"""Probes on control maps, made ready for a tokenizer: fresh maps, and the one map of the encyclopedia."""

from __future__ import annotations

from collections.abc import Sequence

from ablations.core.data.hashing import key_of
from ablations.core.data.items import TaskItems
from ablations.prompts.tasks.control_map import ControlMap
from ablations.prompts.tasks.known_map import KnownMap
from curation.runtime.errors import ConfigError
from curation.runtime.identity import seed
from curation.sources.control_texts import FIXED_MAP, KEYS, VALUES
from tokenizer.model import TokenizerModel

WORDS_DRAWN = 64  # keys, and as many values, of the probe under a tokenizer of real text


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


def fresh_map_items(tokenizer: TokenizerModel, n_items: int, base_seed: int) -> TaskItems:
    """The probe of fresh maps in the tokens of this tokenizer: control words, or hashed whole words of real text.

    Under a tokenizer of control words there is a nonce condition too, in which unused keys stand for values.

    Raises:
        ConfigError: the tokenizer has too few whole words.
    """
    keys, values = _pieces(tokenizer, KEYS), _pieces(tokenizer, VALUES)
    nonces = keys
    if keys is None or values is None:
        words = tokenizer.whole_words()
        ranked = sorted(words, key=lambda piece: key_of("control_map", tokenizer.piece(piece)))
        keys, values = list(ranked[: 2 * WORDS_DRAWN : 2]), list(ranked[1 : 2 * WORDS_DRAWN : 2])
        nonces = None
    try:
        return ControlMap.items(
            keys, values, tokenizer.bos, seed("control_map", base_seed), n_items, nonces=nonces or ()
        )
    except ValueError as error:
        raise ConfigError(f"task control_map: {error} Give the tokenizer a larger vocabulary or more text.") from error


def known_map_items(tokenizer: TokenizerModel, n_items: int, base_seed: int) -> TaskItems:
    """The probe of the encyclopedia's map: only under the tokenizer of the controls, for no real text holds this map.

    Raises:
        ConfigError: control words are not whole pieces of this tokenizer.
    """
    keys, values = _pieces(tokenizer, KEYS), _pieces(tokenizer, VALUES)
    if keys is None or values is None:
        raise ConfigError(
            "task known_map: its words are no whole pieces of this tokenizer, so no model knows its map. "
            "Ask it of the control arms alone."
        )
    numbers = dict(zip((*KEYS, *VALUES), (*keys, *values), strict=True))
    known = {numbers[key]: numbers[value] for key, value in FIXED_MAP.items()}
    return KnownMap.items(known, keys, tokenizer.bos, seed("known_map", base_seed), n_items)


def _pieces(tokenizer: TokenizerModel, words: Sequence[str]) -> list[int] | None:
    """The piece of each word; None unless all are whole pieces."""
    found = [piece for word in words if (piece := tokenizer.single_piece(word)) is not None]
    return found if len(found) == len(words) else None
