"""Trains a language model on a sample of shards: text to pieces, pieces to n-grams, held-out documents to percentiles."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from curation.models import ccnet_form, kneser_ney, lmplz
from curation.models import language_model as models
from curation.models.language_model_settings import Estimator, LanguageModelSettings
from curation.runtime.errors import ConfigError
from curation.runtime.identity import share
from curation.runtime.stages.stage import Job, Output, Stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import ShardSet, row_groups

VERSION = 1
# settings that the shards, their share and the resolved estimator replace in the fingerprint
SET_ASIDE = {"sources", "after", "sample_bytes", "estimator"}
_LINE_CHARS = 4_096  # SentencePiece leaves out long lines: cut them instead
_LINES = 20_000  # encoded at a time
_MEMORY_PER_BYTE: Mapping[Estimator, float] = {"lmplz": 15.0, "own": 50.0}


def resolved_estimator(settings: LanguageModelSettings) -> Estimator:
    """The estimator that will be used."""
    if settings.estimator != "auto":
        return settings.estimator
    return "lmplz" if lmplz.find() else "own"


@dataclass(frozen=True)
class LanguageModelShared:
    """How one model is trained.

    Attributes:
        estimator: the one that the driver resolved.
        fraction: of the documents that are drawn.
        learnt: of these those that SentencePiece learns from.
        sources: where the documents come from: name, fingerprint of the shards, share of their documents.
    """

    name: str
    settings: LanguageModelSettings
    estimator: Estimator
    fraction: float
    learnt: float
    sources: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class LanguageModelJob:
    """All shards at once, in the order in which they are read."""

    shards: Sequence[ShardSet]


def train_stage(
    name: str, settings: LanguageModelSettings, shards: Mapping[str, ShardSet]
) -> Stage[LanguageModelShared, LanguageModelJob]:
    """The stage that trains one model, as a single job: its result may not depend on the number of workers.

    Raises:
        ConfigError: there is no text, or `settings` ask for lmplz and it is not there.
    """
    size = sum(s.text_bytes for s in shards.values())
    if not size:
        raise ConfigError(f"models.{name}: there is no text in {', '.join(shards)}. Name other sources.")
    estimator = resolved_estimator(settings)
    if estimator == "lmplz":
        _lmplz(name)
    fraction = min(1.0, settings.sample_bytes / size)
    sources = [[source, s.fingerprint, fraction] for source, s in shards.items()]
    what = {
        "stage": "language model",
        "version": VERSION,
        "name": name,
        "settings": settings.model_dump(mode="json", exclude=SET_ASIDE),
        "estimator": estimator,
        "normalisation": ccnet_form.VERSION,
        "shards": sources,
    }
    learnt = min(1.0, settings.piece_bytes / (fraction * size))
    shared = LanguageModelShared(name, settings, estimator, fraction, learnt, sources)
    job = Job("train", LanguageModelJob(tuple(shards.values())), int(fraction * size))
    outputs = {"model": Output("models", name, what)}
    memory = _MEMORY_PER_BYTE[estimator]
    return Stage(f"train language model {name}", outputs, [job], train_job, shared, memory_per_byte=memory)


def _lmplz(name: str) -> str:
    program = lmplz.find()
    if program is None:
        raise ConfigError(
            f"models.{name}.estimator: lmplz is not on this machine. Run `make kenlm-tools`, or write estimator: own."
        )
    return program


def train_job(shared: LanguageModelShared, spec: LanguageModelJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: the whole training."""
    settings = shared.settings
    with tempfile.TemporaryDirectory() as scratch:
        documents = _documents(spec.shards, f"language model {settings.seed}", shared.fraction)
        sample = Sample.of(documents, settings, scratch, shared.learnt, shared.sources)
        return {"model": train_model(shared.name, settings, shared.estimator, sample, folders["model"], scratch)}


@dataclass
class Sample:
    """The text to train on, in CCNet's form, as files of lines; and the documents that are held out.

    Attributes:
        text, pieces: paths of all lines, and of those that SentencePiece learns from.
        sources: where the documents come from: name, fingerprint of the shards, share of their documents.
        heldout: texts of documents that are not in `text`.
        counts: of what was drawn.
    """

    text: str
    pieces: str
    sources: Sequence[Sequence[Any]] = ()
    heldout: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("documents", "heldout", "text_bytes"), 0))

    @classmethod
    def of(
        cls,
        documents: Iterable[tuple[bytes, str]],
        settings: LanguageModelSettings,
        scratch: str,
        learnt: float = 1.0,
        sources: Sequence[Sequence[Any]] = (),
    ) -> Sample:
        """From (id, text) pairs; SentencePiece gets a share `learnt` of them, chosen by hash."""
        sample = cls(f"{scratch}/text", f"{scratch}/pieces", sources)
        with ExitStack() as stack:
            text, pieces = (stack.enter_context(_writer(path)) for path in (sample.text, sample.pieces))
            for id_, document in documents:
                if share(id_, f"held out {settings.seed}") < settings.heldout:
                    sample.heldout.append(document)
                    sample.counts["heldout"] += 1
                    continue
                lines = [f"{line}\n" for line in _lines(ccnet_form.ccnet_form(document))]
                text.writelines(lines)
                if share(id_, f"pieces {settings.seed}") < learnt:
                    pieces.writelines(lines)
                sample.counts["documents"] += 1
                sample.counts["text_bytes"] += len(document.encode("utf8", "replace"))
        return sample


def _documents(shards: Sequence[ShardSet], purpose: str, fraction: float) -> Iterator[tuple[bytes, str]]:
    for of_source in shards:
        for file in of_source.files:
            for table in row_groups(of_source.folder, file, ["id", "text"]):
                for id_, text in zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True):
                    if share(id_, purpose) < fraction:
                        yield id_, text


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        yield from (line[i : i + _LINE_CHARS] for i in range(0, len(line), _LINE_CHARS) if not line.isspace())


def _writer(path: str) -> io.TextIOWrapper:
    return open(path, "w", encoding="utf8", newline="\n")


def _read(path: str) -> Iterator[str]:
    with open(path, encoding="utf8", newline="\n") as file:
        yield from (line.rstrip("\n") for line in file)


def train_model(
    name: str, settings: LanguageModelSettings, estimator: Estimator, sample: Sample, folder: Folder, scratch: str
) -> Result:
    """Fill a model folder; `model.json` is written last.

    Raises:
        ConfigError: the text is too small for a model.
    """
    folder.write(models.PIECES, _train_pieces(name, settings, sample))
    with folder.local(models.PIECES) as path:
        pieces = models.open_pieces(path)
    tokens = _encode(pieces, sample, f"{scratch}/tokens")
    ngrams = _estimate(name, settings, estimator, f"{scratch}/tokens", folder, scratch)
    with folder.local(models.PIECES) as of_pieces, folder.local(ngrams) as of_ngrams:
        files = {models.PIECES: models.file_digest(of_pieces), ngrams: models.file_digest(of_ngrams)}
        measured = models.Scorer.open(of_pieces, of_ngrams).measure(sample.heldout)
    counted = measured.perplexity[measured.tokens > 0]
    if not counted.size:
        raise ConfigError(f"models.{name}: no document was held out. Give it more documents, or raise heldout.")
    counts = {**sample.counts, "tokens": tokens}
    trained = {"name": name, "pieces": len(pieces), "estimator": estimator, "files": files}
    trained_on = {"sources": sample.sources, **counts}
    percentiles = [float(value) for value in np.percentile(counted, range(1, 100))]
    folder.write_json(models.CARD, {**_card(settings, percentiles), **trained, "trained_on": trained_on})
    return Result([{"file": file, "rows": 1} for file in (*files, models.CARD)], counts)


def _card(settings: LanguageModelSettings, percentiles: Sequence[float]) -> dict[str, Any]:
    """The keys of `model.json` on settings and held-out documents."""
    return {
        "format": models.FORMAT,
        "language": settings.language,
        "normalisation": ccnet_form.VERSION,
        "order": settings.order,
        "head_until": percentiles[settings.percentiles[0] - 1],
        "tail_from": percentiles[settings.percentiles[1] - 1],
        "percentiles": percentiles,
        "settings": settings.model_dump(mode="json", exclude=SET_ASIDE),
    }


def _train_pieces(name: str, settings: LanguageModelSettings, sample: Sample) -> bytes:
    import sentencepiece

    model = io.BytesIO()  # a file name would be written into the model and make its bytes depend on the folder
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_read(sample.pieces),
            model_writer=model,
            model_type="unigram",
            vocab_size=settings.vocab_size,
            hard_vocab_limit=False,
            character_coverage=0.9995,
            normalization_rule_name="identity",
            max_sentence_length=4 * _LINE_CHARS,
            num_threads=1,
            minloglevel=2,
        )
    except (RuntimeError, OSError, ValueError) as error:
        reason = str(error).strip().split("\n")[-1].rpartition("] ")[2].rstrip(".")
        raise ConfigError(f"models.{name}: SentencePiece finds no pieces: {reason}. Give it more text.") from error
    return model.getvalue()


def _encode(pieces: models.Pieces, sample: Sample, target: str) -> int:
    """Write the sentences of pieces that the n-grams are counted in; returns their number of pieces."""
    tokens = 0
    lines = _read(sample.text)
    with _writer(target) as file:
        while batch := list(islice(lines, _LINES)):
            for sentence, length in pieces.sentences(batch):
                if length:
                    tokens += length
                    file.write(f"{sentence}\n")
    return tokens


def _estimate(
    name: str, settings: LanguageModelSettings, estimator: Estimator, tokens: str, folder: Folder, scratch: str
) -> str:
    """Write the n-gram model; returns its file's name."""
    if estimator == "lmplz":
        program = _lmplz(name)
        lmplz.estimate(program, tokens, f"{scratch}/arpa", settings.order)
        with folder.draft(models.BINARY) as path:
            lmplz.binary(program, f"{scratch}/arpa", path)
        return models.BINARY
    try:
        model = kneser_ney.estimate(kneser_ney.Corpus.of(_read(tokens)), settings.order)
    except ValueError as error:
        raise ConfigError(f"models.{name}.order {settings.order}: {error}. Lower it, or give it more text.") from error
    with folder.draft(models.ARPA) as path, _writer(path) as file:
        file.writelines(kneser_ney.arpa(model))
    return models.ARPA
