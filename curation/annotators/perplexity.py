"""Perplexity under a language model, as in CCNet. Source: Wenzek et al. 2019, https://arxiv.org/abs/1911.00359, section 3.3."""

from __future__ import annotations

import os
from functools import cached_property
from typing import ClassVar, Literal, Self

import numpy as np

from curation.annotators.base import Annotator, Column, Scores
from curation.models.language_model import LanguageModel, checked_digest, load_language_model
from curation.text.batch import Batch


class Perplexity(Annotator):
    """How unlike the training text of a language model a document is: perplexity per token, and head, middle or tail.

    `model` is a name in the recipe's `models:`, or a folder that `loam curate train-lm` made. The text is brought into CCNet's
    form first (lower case, every digit to 0; see `curation/models/ccnet_form.py`), each line is a sentence, and a token is a
    SentencePiece piece or the end of a line. Perplexities under different models do not compare; `surprise` does, roughly, for it
    is per character of the document. `bucket` is the place of the perplexity among the model's held-out documents: `head` up to
    the 30th percentile, `tail` beyond the 60th, unless the model was trained with others. Documents that the model learnt from look
    likelier than held-out ones do: more than 30 % of them lie in the head.

    A text without words has no tokens, perplexity 0 and bucket "": `bucket: {any_of: [head, middle]}` drops it,
    `perplexity: {max: ...}` keeps it, and `tokens: {min: 1}` drops it too.
    """

    kind: Literal["perplexity"] = "perplexity"
    version: Literal[1] = 1
    model: str

    columns: ClassVar = (
        Column("perplexity", unit="inverse probability per token"),
        Column("tokens", unit="pieces and ends of lines", type="int"),
        Column("surprise", unit="-log10 of the probability per character"),
        Column("bucket", unit="head, middle or tail", type="string", range=(None, None)),
    )
    examples: ClassVar = {
        "": (0.0, 0, 0.0, ""),
        " \n\t": (0.0, 0, 0.0, ""),
        "The annotator measures a document.": (None, None, None, "head"),
        "\u00fe\u00f0\u0142 \u4e00\u4e01\u4e03 \ub620\ubc29 \u0e01\u0e02": (None, None, None, "tail"),
    }
    language_model_key: ClassVar = "model"

    @classmethod
    def for_examples(cls) -> Self:
        from curation.models.example_language_model import example_language_model

        return cls(model=example_language_model())

    def where(self) -> frozenset[str]:
        return frozenset({"model"})

    def content(self) -> dict[str, str]:
        return {"model": checked_digest(self._url)}

    def score(self, batch: Batch) -> Scores:
        measured = self._model.scorer.measure(batch.texts)
        return {
            "perplexity": measured.perplexity,
            "tokens": measured.tokens,
            "surprise": np.maximum(-measured.log10, 0.0) / np.maximum(batch.chars, 1),
            "bucket": self._model.buckets(measured),
        }

    @property
    def _url(self) -> str:
        return self.model if "://" in self.model else os.path.abspath(self.model)

    @cached_property
    def _model(self) -> LanguageModel:
        return load_language_model(self._url)
