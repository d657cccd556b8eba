"""Trains a SentencePiece model on a seeded sample of curated shards. Source: https://github.com/google/sentencepiece."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation.runtime.errors import ConfigError
from curation.runtime.identity import share
from curation.runtime.stages.stage import Job, Output, Stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import ShardSet, row_groups
from tokenizer.coverage import (
    BORDER,
    LEAST_COVERAGE,
    SPECIALS,
    fitting_coverage,
    room_for_characters,
    with_a_share,
    with_the_commonest,
)
from tokenizer.settings import TokenizerSettings

VERSION = 2
MODEL = "tokenizer.model"
UNKNOWN, BOS, EOS = 0, 1, 2
_TOO_FEW = "smaller than required_chars"  # in SentencePiece's message when single characters fill the vocabulary
_ADVICE = " Increase vocab_size"  # of SentencePiece's own command, which loam does not have
_LINE_BYTES = 16_384  # SentencePiece leaves out longer lines: cut them instead


@dataclass(frozen=True)
class SampleOf:
    """The documents of one source that are learnt from: a share of them, by hash."""

    shards: ShardSet
    fraction: float


@dataclass(frozen=True)
class TokenizerJob:
    """The samples of all sources, in the order in which they are read."""

    samples: Sequence[SampleOf]


def train_stage(
    name: str, settings: TokenizerSettings, shards: Mapping[str, ShardSet]
) -> Stage[TokenizerSettings, TokenizerJob]:
    """The stage that trains one tokenizer, as a single job: its result may not depend on the number of workers."""
    fractions = sample_fractions(settings, shards)
    what = {
        "stage": "tokenizer",
        "version": VERSION,
        "settings": settings.model_dump(mode="json", exclude={"sources", "weights", "sample_bytes"}),
        "shards": [[source, shards[source].fingerprint, fractions[source]] for source in shards],
    }
    samples = [SampleOf(of_source, fractions[source]) for source, of_source in shards.items()]
    job = Job("train", TokenizerJob(samples), int(sum(each.fraction * each.shards.text_bytes for each in samples)))
    return Stage(f"train tokenizer {name}", {"model": Output("tokenizer", name, what)}, [job], train_job, settings)


def sample_fractions(settings: TokenizerSettings, shards: Mapping[str, ShardSet]) -> dict[str, float]:
    """For each source the share of its documents that the sample takes.

    Raises:
        ConfigError: a weight names a source that is not there, or there is no text at all.
    """
    if unknown := sorted(set(settings.weights) - set(shards)):
        raise ConfigError(f"tokenizer.weights: no source {unknown[0]!r}. Known: {', '.join(shards)}.")
    sizes = {name: s.text_bytes for name, s in shards.items()}
    total = sum(sizes.values())
    if not total:
        raise ConfigError(f"tokenizer: nothing was kept of {', '.join(shards)}, so there is no text to train on.")
    weights = settings.weights or {name: size / total for name, size in sizes.items()}
    scale = settings.sample_bytes / sum(weights.values())
    return {name: min(1.0, scale * weights.get(name, 0.0) / size) if size else 0.0 for name, size in sizes.items()}


def train_job(settings: TokenizerSettings, spec: TokenizerJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: the whole training."""
    seen = {"documents": 0, "text_bytes": 0}
    texts = _sample(spec.samples, f"tokenizer {settings.seed}", seen)
    words = settings.kind == "words"
    model = train_words(texts) if words else train_bpe(texts, settings.vocab_size, settings.character_coverage)
    folders["model"].write(MODEL, model)
    return {"model": Result([{"file": MODEL, "rows": 1}], seen)}


def _sample(samples: Sequence[SampleOf], purpose: str, seen: dict[str, int]) -> Iterator[str]:
    for sample in samples:
        for file in sample.shards.files:
            for table in row_groups(sample.shards.folder, file, ["id", "text"]):
                for id_, text in zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True):
                    if share(id_, purpose) < sample.fraction:
                        seen["documents"] += 1
                        seen["text_bytes"] += len(text.encode("utf8"))
                        yield text


def train_bpe(texts: Iterator[str], vocab_size: int, character_coverage: float | None = None) -> bytes:
    """A byte-pair model with byte fallback, as the bytes of a .model file.

    Newlines are pieces of their own, digits are split, nothing is normalised: decoding gives the text back.

    Args:
        texts: the sample; SentencePiece holds all of it in memory, and so does this.
        vocab_size, character_coverage: see `TokenizerSettings`.

    Raises:
        ConfigError: the text is too small for the vocabulary.
    """
    lines = [line[i : i + _LINE_BYTES // 4] for text in texts for line in text.split("\n") for i in _starts(line)]
    if character_coverage is not None:
        if character_coverage >= LEAST_COVERAGE:
            return _train_bpe(iter(lines), vocab_size, character_coverage)
        return _train_bpe(with_a_share(lines, character_coverage), vocab_size)
    coverage = fitting_coverage(lines, vocab_size)
    try:
        return _train_bpe(iter(lines), vocab_size, coverage)
    except _TooManyCharacters:
        return _train_bpe(with_the_commonest(lines, room_for_characters(vocab_size)), vocab_size)


class _TooManyCharacters(ConfigError):
    """The characters that are to get a piece are more than the vocabulary has."""


def _train_bpe(lines: Iterator[str], vocab_size: int, coverage: float = 1.0) -> bytes:
    try:
        return _train(
            lines,
            model_type="bpe",
            vocab_size=vocab_size,
            byte_fallback=True,
            user_defined_symbols=[BORDER],
            split_digits=True,
            allow_whitespace_only_pieces=True,
            character_coverage=coverage,
            max_sentence_length=_LINE_BYTES,
        )
    except (RuntimeError, OSError, ValueError) as error:
        reason = str(error).strip().split("\n")[-1].rpartition("] ")[2].rstrip(".")
        told = f"tokenizer: SentencePiece cannot make {vocab_size} pieces: {reason}."
        if _TOO_FEW in reason:
            told = f"{told.partition(_ADVICE)[0].rstrip('.')}."
            fix = "Raise vocab_size, or leave character_coverage out: it then fits the vocabulary."
            raise _TooManyCharacters(f"{told} {fix}") from error
        raise ConfigError(f"{told} Lower vocab_size or give it more text.") from error


def _starts(line: str) -> range:
    return range(0, len(line), _LINE_BYTES // 4)  # a code point has at most four bytes


def train_words(texts: Iterator[str]) -> bytes:
    """A model in which every word of the texts is one piece."""
    lines = [" ".join(text.split()) for text in texts]
    words = {word for line in lines for word in line.split(" ") if word}
    return _train(iter(lines), model_type="word", vocab_size=len(words) + SPECIALS, max_sentence_length=1_000_000)


def _train(lines: Iterator[str], **options: Any) -> bytes:
    import sentencepiece

    model = io.BytesIO()  # a file name would be written into the model and make its bytes depend on the folder
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=lines,
        model_writer=model,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        unk_id=UNKNOWN,
        bos_id=BOS,
        eos_id=EOS,
        pad_id=-1,
        num_threads=1,
        minloglevel=2,
        **options,
    )
    return model.getvalue()
