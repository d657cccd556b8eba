"""Curated shards to token files: 16-bit numbers that can be mapped into memory, with an index by document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from curation.runtime.identity import share
from curation.runtime.stages.job_specs import ShardJob, shard_jobs
from curation.runtime.stages.stage import Job, Output, Stage
from curation.runtime.store.folder import Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.parts import checked, read_checked
from curation.runtime.store.receipts import Result
from curation.runtime.store.shards import ShardSet, row_groups
from tokenizer.model import load_tokenizer

VERSION = 1
SPLITS = ("train", "heldout")
TOKENS = "{}.bin"
DOCUMENTS = "{}.documents.safetensors"
ENCODE_DOCUMENTS = 512  # documents encoded at a time


@dataclass(frozen=True)
class TokenSet:
    """The tokens of one source under one tokenizer.

    `<split>.bin` holds uint16 little endian, documents one after the other, each starting with BOS;
    `<split>.documents.safetensors` holds `offsets` int64 [n + 1] (in tokens), `ids` uint8 [n, 16] and `utf8_bytes` int64 [n].
    """

    source: str
    folder: Folder
    parts: Folder
    manifest: Manifest

    def tokens(self, split: str) -> int:
        return int(self.manifest.counts[split]["tokens"])

    def documents(self, split: str) -> int:
        return int(self.manifest.counts[split]["documents"])


@dataclass(frozen=True)
class EncodeShared:
    """The tokenizer, the shards, and the share of their documents that is held out."""

    tokenizer: Folder
    shards: Folder
    heldout: float


def encode_stage(tokenizer: tuple[str, Folder, str], shards: ShardSet, heldout: float) -> Stage[EncodeShared, ShardJob]:
    """The stage that encodes one source's shards.

    Args:
        tokenizer: its name, folder and fingerprint.
        heldout: share of the documents, by hash, that no model is trained on.
    """
    name, folder, fingerprint = tokenizer
    what = {
        "stage": "encode",
        "version": VERSION,
        "tokenizer": fingerprint,
        "shards": shards.fingerprint,
        "heldout": heldout,
    }
    jobs, shared = shard_jobs(shards), EncodeShared(folder, shards.folder, heldout)
    outputs = {"parts": Output("encode", f"{name}-{shards.source}", what)}
    return Stage(f"encode {shards.source}", outputs, jobs, encode_job, shared, lambda _, r: _sum_of_splits(r))


def _sum_of_splits(results: Sequence[Result]) -> dict[str, Any]:
    keys = ("documents", "tokens", "utf8_bytes")
    return {s: {k: sum(r.counts[s][k] for r in results) for k in keys} for s in SPLITS}


def encode_job(shared: EncodeShared, spec: ShardJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: one shard."""
    tokenizer = load_tokenizer(shared.tokenizer)
    held: dict[str, _Tokens] = {split: _Tokens() for split in SPLITS}
    for ids, texts in _texts(shared.shards, spec.file):
        for id_, text, pieces in zip(ids, texts, tokenizer.encode_all(texts), strict=True):
            split = "heldout" if share(id_, "heldout") < shared.heldout else "train"
            held[split].add(id_, [tokenizer.bos, *pieces], len(text.encode("utf8")))
    counts = {split: tokens.write(folders["parts"], f"{spec.stem}.{split}") for split, tokens in held.items()}
    return {"parts": Result([{"file": spec.stem, "rows": sum(c["documents"] for c in counts.values())}], counts)}


def _texts(folder: Folder, file: str) -> Iterator[tuple[list[bytes], list[str]]]:
    for table in row_groups(folder, file, ["id", "text"]):
        for batch in table.to_batches(max_chunksize=ENCODE_DOCUMENTS):
            yield batch["id"].to_pylist(), batch["text"].to_pylist()


class _Tokens:
    """Encoded documents of one split."""

    def __init__(self) -> None:
        self.ids: list[bytes] = []
        self.pieces: list[npt.NDArray[np.uint16]] = []
        self.bytes: list[int] = []

    def add(self, id_: bytes, pieces: Sequence[int], utf8_bytes: int) -> None:
        self.ids.append(id_)
        self.pieces.append(np.array(pieces, np.uint16))
        self.bytes.append(utf8_bytes)

    def write(self, folder: Folder, stem: str) -> dict[str, int]:
        lengths = np.array([len(pieces) for pieces in self.pieces], np.int64)
        tokens = np.concatenate([np.zeros(0, np.uint16), *self.pieces]).astype("<u2")
        folder.write(TOKENS.format(stem), tokens.tobytes())
        _write_index(folder, stem, self.ids, lengths, np.array(self.bytes, np.int64))
        return {"documents": len(self.ids), "tokens": int(lengths.sum()), "utf8_bytes": sum(self.bytes)}


def _write_index(
    folder: Folder, stem: str, ids: Sequence[bytes], lengths: npt.NDArray[np.int64], bytes_: npt.NDArray[np.int64]
) -> None:
    from safetensors.numpy import save

    index = {
        "offsets": np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
        "ids": np.frombuffer(b"".join(ids), np.uint8).reshape(-1, 16),
        "utf8_bytes": bytes_,
    }
    folder.write(DOCUMENTS.format(stem), save(index))


@dataclass(frozen=True)
class JoinShared:
    """The folder of the parts, and the stems of their files in the order of the shards."""

    parts: Folder
    stems: Sequence[str]


@dataclass(frozen=True)
class JoinJob:
    """One split: `train` or `heldout`."""

    split: str


def join_stage(name: str, source: str, parts: Folder, manifest: Manifest) -> Stage[JoinShared, JoinJob]:
    """The stage that joins the parts of one source into one file a split, which cells map into memory."""
    what = {"stage": "tokens", "version": VERSION, "parts": manifest.fingerprint}
    shared = JoinShared(parts, [str(part["file"]) for part in manifest.parts])
    jobs = [Job(split, JoinJob(split), 2 * int(manifest.counts[split]["tokens"])) for split in SPLITS]
    outputs = {"tokens": Output("tokens", f"{name}-{source}", what)}
    return Stage(f"join {source}", outputs, jobs, join_job, shared, lambda _, r: _by_split(r), 4.0)


def _by_split(results: Sequence[Result]) -> dict[str, Any]:
    return {split: dict(result.counts) for split, result in zip(SPLITS, results, strict=True)}


def join_job(shared: JoinShared, spec: JoinJob, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """One task: one split."""
    from safetensors.numpy import load_file

    folder, split, parts = folders["tokens"], spec.split, shared.parts
    indices = []
    with folder.draft(TOKENS.format(split)) as path, open(path, "wb") as out:
        for stem in shared.stems:
            out.write(read_checked(parts, TOKENS.format(f"{stem}.{split}")))
            with checked(parts, DOCUMENTS.format(f"{stem}.{split}")) as index:
                indices.append(load_file(index))
    lengths = np.concatenate([np.diff(index["offsets"]) for index in indices])
    ids = [id_.tobytes() for index in indices for id_ in index["ids"]]
    bytes_ = np.concatenate([index["utf8_bytes"] for index in indices])
    _write_index(folder, split, ids, lengths, bytes_)
    counts = {"documents": len(ids), "tokens": int(lengths.sum()), "utf8_bytes": int(bytes_.sum())}
    files = [{"file": TOKENS.format(split), "rows": len(ids)}, {"file": DOCUMENTS.format(split), "rows": len(ids)}]
    return {"tokens": Result(files, counts)}
