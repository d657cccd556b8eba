"""A trained language model: a folder with SentencePiece pieces, a KenLM model over them, and the percentiles of held-out text.

The folder holds `sentencepiece.model`, `lm.binary` (built by KenLM's build_binary) or `lm.arpa`, and `model.json`: what it was
trained on, the digests of the two files, and the perplexities of held-out documents at percentiles 1 to 99. Trained by
`curation/models/train_language_model.py`; loaded once a process.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from curation.models import ccnet_form
from curation.runtime.errors import ConfigError, InputError
from curation.runtime.store.folder import Folder
from curation.runtime.store.parts import checked, read_checked

FORMAT = 1
CARD = "model.json"
PIECES = "sentencepiece.model"
BINARY, ARPA = "lm.binary", "lm.arpa"
RETRAIN = "Train the model again, or name another one."


@dataclass(frozen=True)
class LogProbabilities:
    """The log-probabilities of some texts under a model.

    Attributes:
        log10: logarithm of each text's probability, the sum over its lines.
        tokens: pieces of each text, and one end for each of its lines; 0 for a text without words.
    """

    log10: npt.NDArray[np.float64]
    tokens: npt.NDArray[np.int64]

    @property
    def perplexity(self) -> npt.NDArray[np.float64]:
        """CCNet's: the inverse of the geometric mean of the tokens' probabilities; 0 where there is no token."""
        mean = self.log10 / np.maximum(self.tokens, 1)
        return np.where(self.tokens > 0, 10.0**-mean, 0.0)


class Scorer:
    """Texts to probabilities. A line is a sentence, as in CCNet; lines without words do not count."""

    def __init__(self, pieces: Pieces, ngrams: Any) -> None:
        self._pieces, self._ngrams = pieces, ngrams

    @classmethod
    def open(cls, pieces: str, ngrams: str) -> Scorer:
        """From the paths of the two files.

        Raises:
            InputError: one of them is missing, or is no model.
        """
        return cls(open_pieces(pieces), _open_ngrams(ngrams))

    def measure(self, texts: Sequence[str]) -> LogProbabilities:
        lines: list[str] = []
        owners: list[int] = []
        for d, text in enumerate(texts):
            sentences = [line for line in ccnet_form.ccnet_form(text).split("\n") if line]
            lines += sentences
            owners += [d] * len(sentences)
        log10 = np.zeros(len(texts))
        tokens = np.zeros(len(texts), np.int64)
        for d, (sentence, length) in zip(owners, self._pieces.sentences(lines), strict=True):
            if length:
                log10[d] += self._ngrams.score(sentence)
                tokens[d] += length + 1
        return LogProbabilities(log10, tokens)


class Pieces:
    """A SentencePiece model that gives sentences to count n-grams in, or to score."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        self._unknown = processor.unk_id()
        self._texts = [processor.id_to_piece(number) for number in range(processor.get_piece_size())]

    def __len__(self) -> int:
        return len(self._texts)

    def sentences(self, lines: Sequence[str]) -> Iterator[tuple[str, int]]:
        """Every line as pieces with spaces between them, and their number; what is no piece stays as it is written."""
        # as numbers first: making a string of every piece takes three times as long
        numbers = self._processor.encode(list(lines), out_type=int, num_threads=1) if lines else []
        unknown = [i for i, pieces in enumerate(numbers) if self._unknown in pieces]
        written = self._processor.encode([lines[i] for i in unknown], out_type=str, num_threads=1) if unknown else []
        special = dict(zip(unknown, written, strict=True))
        text_of = self._texts.__getitem__
        for i, pieces in enumerate(numbers):
            yield " ".join(special[i] if i in special else map(text_of, pieces)), len(pieces)


@dataclass(frozen=True)
class LanguageModel:
    """A loaded model folder; `card` is its `model.json`."""

    card: Mapping[str, Any]
    scorer: Scorer

    def buckets(self, measured: LogProbabilities) -> list[str]:
        """`head` for the share of text that is most like the training text, then `middle` and `tail`; "" without words."""
        perplexity = measured.perplexity
        head, tail = self.card["head_until"], self.card["tail_from"]
        names = np.where(perplexity <= head, "head", np.where(perplexity <= tail, "middle", "tail"))
        buckets: list[str] = np.where(measured.tokens > 0, names, "").tolist()
        return buckets


def open_pieces(path: str) -> Pieces:
    import sentencepiece

    try:
        return Pieces(sentencepiece.SentencePieceProcessor(model_file=path))
    except (OSError, RuntimeError) as error:
        raise InputError(path, "not a SentencePiece model", RETRAIN) from error


def _open_ngrams(path: str) -> Any:
    import kenlm

    config = kenlm.Config()
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE
    try:
        return kenlm.Model(path, config)
    except (OSError, RuntimeError) as error:
        raise InputError(path, f"not a KenLM model ({_reason(error)})", RETRAIN) from error


def _reason(error: BaseException) -> str:
    """KenLM's message, without the place in its code."""
    message = " ".join(str(error.__cause__ or error).split())
    return (message.partition(" threw ")[2] or message)[:200].rstrip(".")


@cache
def read_card(url: str) -> dict[str, Any]:
    """The `model.json` of a model folder.

    Raises:
        ConfigError: there is no such folder.
        InputError: the folder holds no model of ours.
    """
    folder = Folder(url)
    if not folder.exists(CARD):
        raise ConfigError(
            f"model {url}: no {CARD} there. Give a folder that `loam curate train-lm` made, or a name in models:."
        )
    card = _parsed(read_checked(folder, CARD), f"{url}/{CARD}")
    files = card.get("files")
    if card.get("format") != FORMAT or not isinstance(files, dict) or PIECES not in files:
        found = f"not a language model of format {FORMAT}"
        raise InputError(f"{url}/{CARD}", found, RETRAIN)
    if card["normalisation"] != ccnet_form.VERSION:
        found = f"trained on normal form {card['normalisation']}, this program makes {ccnet_form.VERSION}"
        raise InputError(f"{url}/{CARD}", found, RETRAIN)
    return card


def _parsed(data: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise InputError(where, f"not JSON ({error})", RETRAIN) from error
    if not isinstance(value, dict):
        raise InputError(where, "not a JSON object", RETRAIN)
    return value


@cache
def checked_digest(url: str) -> str:
    """Hash of a model folder's content, which enters the fingerprint of every score; its files are checked against it.

    Raises:
        InputError: a file is missing or damaged.
    """
    card, folder = read_card(url), Folder(url)
    for name, digest in card["files"].items():
        try:
            with checked(folder, name) as path:
                content = file_digest(path)
        except OSError as error:
            raise InputError(f"{url}/{name}", f"cannot be read ({error.strerror or error})", RETRAIN) from error
        if content != digest:
            raise InputError(f"{url}/{name}", f"damaged: not the file that {CARD} describes", RETRAIN)
    return hashlib.blake2b(json.dumps(card, sort_keys=True).encode(), digest_size=16).hexdigest()


def file_digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


@cache
def load_language_model(url: str) -> LanguageModel:
    """A model by its folder, on this machine or on an object store.

    Raises:
        ConfigError, InputError: there is none, or it cannot be read.
    """
    card, folder = read_card(url), Folder(url)
    ngrams = next(name for name in card["files"] if name != PIECES)
    return LanguageModel(card, Scorer.open(_path(folder, PIECES, card), _path(folder, ngrams, card)))


def _path(folder: Folder, name: str, card: Mapping[str, Any]) -> str:
    """The file itself, or a copy that all processes of this machine share."""
    if folder.is_local:
        with checked(folder, name) as path:
            return path
    copies = Folder(os.path.join(tempfile.gettempdir(), f"loam-models-{os.getuid()}"))
    copy = f"{card['files'][name]}-{name}"
    if not (copies.exists(copy) and file_digest(f"{copies.url}/{copy}") == card["files"][name]):
        with checked(folder, name) as path, copies.draft(copy) as draft:
            shutil.copyfile(path, draft)
    return f"{copies.url}/{copy}"
