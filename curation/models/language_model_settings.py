"""What a user may write about a language model that a recipe trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from curation.runtime.config import Config

Estimator = Literal["lmplz", "own"]


class LanguageModelSettings(Config):
    """A SentencePiece model and an n-gram model over its pieces, for the annotator `perplexity`.

    Args:
        language: whose head, middle and tail this model tells apart; kept with the model.
        sources: whose documents train it; all of the recipe when none is named.
        after: the pass whose curated shards train it; null trains it on the documents as they were read.
        sample_bytes: of text to train on; documents are chosen by hash.
        piece_bytes: of that, what SentencePiece learns its pieces from, about 3 s of one core for a megabyte.
        vocab_size: pieces at most; small texts give fewer.
        order: words of the longest n-gram.
        heldout: share of the sampled documents that is not trained on: their perplexities make the percentiles.
        percentiles: where the head ends and where the tail begins.
        estimator: `lmplz` (KenLM's) or `own` (ours, slower, about a gigabyte of memory for 20 MB of text); `auto` takes lmplz if
            this machine has it. The two agree within 1e-3 in log10, not in bytes, so the one taken is part of the model's
            fingerprint: a run on several machines that must give the same bytes names one.
        seed: of the choice of documents.
    """

    language: str = ""
    sources: tuple[str, ...] = ()
    after: str | None = None
    sample_bytes: int = Field(default=100_000_000, ge=1)
    piece_bytes: int = Field(default=10_000_000, ge=1)
    vocab_size: int = Field(default=65_536, ge=16)  # CCNet's
    order: int = Field(default=5, ge=2, le=6)  # 6 is the most that KenLM is built for
    heldout: float = Field(default=0.05, gt=0, lt=1)
    percentiles: tuple[int, int] = (30, 60)  # CCNet, https://arxiv.org/abs/1911.00359, section 3.3
    estimator: Estimator | Literal["auto"] = "auto"
    seed: int = 0

    def described(self, sources: Sequence[str]) -> str:
        """What it is trained on, for a dry run; `sources` are all of the recipe."""
        origin = "as read" if self.after is None else f"after pass {self.after}"
        return f"{', '.join(self.sources or sources)} {origin}, at most {self.sample_bytes / 1e6:.1f} MB"

    @model_validator(mode="after")
    def _percentiles_rise(self) -> Self:
        head, tail = self.percentiles
        if not 1 <= head < tail <= 99:
            raise ValueError(f"percentiles: found {head} and {tail}. Write two whole numbers that rise from 1 to 99.")
        return self
