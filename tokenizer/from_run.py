"""The commands of `loam tokenizer`: a tokenizer of a finished curation, and its tokens; their records keep both from `loam gc`."""

from __future__ import annotations

from dataclasses import dataclass

from curation.questions.run_record import load_record
from curation.runtime.command_line.options import Command
from curation.runtime.identity import IDENTITY
from curation.runtime.stages.stages import mended
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from tokenizer.pipeline import tokenize, train_tokenizer
from tokenizer.runs import shard_sets
from tokenizer.settings import TokenizerSettings


@dataclass(frozen=True)
class TrainedTokenizer:
    name: str
    folder: str


@dataclass(frozen=True)
class EncodedSource:
    """One source's tokens; `documents` and `tokens` are those to train on."""

    source: str
    documents: int
    tokens: int
    heldout_tokens: int
    folder: str


def train(command: Command, name: str, settings: TokenizerSettings) -> TrainedTokenizer:
    with command.running(f"{name}.tokenizer") as out:
        _, folder, _ = train_tokenizer(name, settings, shard_sets(load_record(command.path)), out, command.compute)
        record = {"kind": "tokenizer", "identity": IDENTITY, "name": name, "folder": out.relative(folder)}
        (out / "runs").write_json(f"{name}.tokenizer.json", record)
    return TrainedTokenizer(name, folder.url)


def encode(command: Command, tokenizer: str, heldout: float) -> list[EncodedSource]:
    compute = command.compute
    trained = Folder(tokenizer.rstrip("/"))
    manifest = Manifest.load(trained)
    with command.running(f"{manifest.name}.tokens") as out:
        which = (manifest.name, trained, manifest.fingerprint)
        shards = shard_sets(load_record(command.path))
        shares = dict.fromkeys(shards, heldout)
        tokenized = mended(lambda: tokenize(which, shards, shares, out, compute), out, compute)
        tokens = tokenized.tokens
        folders = [out.relative(each) for t in tokens.values() for each in (t.parts, t.folder)]
        record = {"kind": "tokens", "identity": IDENTITY, "name": manifest.name, "folders": folders}
        (out / "runs").write_json(f"{manifest.name}.tokens.json", record)
    return [
        EncodedSource(name, t.documents("train"), t.tokens("train"), t.tokens("heldout"), t.folder.url)
        for name, t in tokens.items()
    ]
