"""What a user may write about a tokenizer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from curation.runtime.config import Config

UINT16_VOCABULARY = 65_536


class TokenizerSettings(Config):
    """A SentencePiece model trained on curated shards.

    Args:
        kind: `bpe` (with byte fallback: no text is unknown) or `words` (one piece a word; for control corpora).
        sources: whose curated shards it is trained on and encodes; all that are not controls when left out.
        vocab_size: pieces, special ones included; token files hold 16-bit numbers.
        character_coverage: share of the sample's characters that get a piece; the others are written as their UTF-8 bytes and come
            back whole. When left out, 0.9995; where that would leave less than half of the pieces to merges, as much less as is
            needed, down to 0.98; and where the characters of 0.98 are more than there are pieces, those of the commonest that
            take half of the pieces. What is set is taken as it is, and refused where it does not fit.
        sample_bytes: text that training reads, taken by document hash from all sources in proportion to their size.
        weights: share of each source in the sample, when it should not be its size.
        seed: another number takes another sample.
    """

    kind: Literal["bpe", "words"] = "bpe"
    sources: tuple[str, ...] = ()
    vocab_size: int = Field(default=16_384, ge=300, le=UINT16_VOCABULARY)
    character_coverage: float | None = Field(default=None, ge=0.5, le=1)
    sample_bytes: int = Field(default=50_000_000, ge=1_000)
    weights: dict[str, float] = {}
    seed: int = 0
